#include "store/memory/model.hpp"

namespace conductor {

namespace {

class memory_store final : public store {
public:
  explicit memory_store(std::uint64_t salt)
    : model_(std::make_shared<memory::model>()) {
    model_->ids.salt = salt;
  }

  batch_result commit(std::vector<change_set>& batch) override {
    const std::lock_guard guard{model_->mutex};
    return memory::apply(*model_, batch);
  }

  std::int64_t epoch() const override { return model_->epoch; }

  void maintain() override {}

  std::unique_ptr<store_reader> open_reader() override {
    return memory::make_reader(model_);
  }

private:
  std::shared_ptr<memory::model> model_;
};

} // namespace

std::unique_ptr<store> make_memory_store(std::uint64_t salt) {
  return std::make_unique<memory_store>(salt);
}

} // namespace conductor
