#include "store/memory/model.hpp"

namespace conductor {

namespace memory {

namespace {

class memory_store final : public store {
public:
  explicit memory_store(std::shared_ptr<shared_model> m)
    : model_(std::move(m)) {}

  batch_result commit(std::span<const change_set> batch,
                      timestamp now) override {
    const std::lock_guard guard{model_->mutex};
    return apply(model_->current, batch, now);
  }

  std::int64_t epoch() const override { return model_->current.epoch; }

  void maintain() override {}

  std::unique_ptr<store_reader> open_reader() override {
    return make_reader(model_);
  }

  const model& current() const { return model_->current; }

private:
  std::shared_ptr<shared_model> model_;
};

std::unique_ptr<store> store_of(const model& m) {
  auto shared = std::make_shared<shared_model>();
  shared->current = m;
  return std::make_unique<memory_store>(std::move(shared));
}

} // namespace

std::unique_ptr<store> reopen(std::unique_ptr<store> closed) {
  auto m = dynamic_cast<memory_store&>(*closed).current();
  ++m.epoch;
  m.turns.clear();
  m.latest = m.events.empty() ? no_time : m.events.back().span.at;
  std::erase_if(m.lists, [&](const auto& list) {
    return list.second.empty() && !m.uses(list.first);
  });
  m.next_list = m.lists.empty() ? 1 : m.lists.rbegin()->first + 1;
  for (auto& [list, items] : m.lists)
    if (!m.uses(list))
      items.clear();
  return store_of(m);
}

} // namespace memory

std::unique_ptr<store> make_memory_store(std::uint64_t salt) {
  memory::model empty;
  empty.ids.salt = salt;
  return memory::store_of(empty);
}

} // namespace conductor
