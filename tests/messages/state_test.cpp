#define CAF_SUITE messages.state

#include <array>
#include <string>

#include <conductor/state.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

using enum task_state;

// Rows are from, columns to, both in this order.
constexpr std::array task_states{pending,  running, succeeded,
                                 retrying, failed,  cancelled};
constexpr std::array run_states{run_state::pending, run_state::running,
                                run_state::succeeded, run_state::failed,
                                run_state::cancelled};

constexpr std::array<const char*, 6> leaf_moves{
  ".x...x", // pending
  "..xxxx", // running
  "......", // succeeded
  "x...xx", // retrying
  "x.....", // failed
  "x.....", // cancelled
};

constexpr std::array<const char*, 6> parent_moves{
  "..x.xx", // pending
  "......", // running
  "......", // succeeded
  "......", // retrying
  "x.....", // failed
  "x.....", // cancelled
};

constexpr std::array<const char*, 5> run_moves{
  ".x..x", // pending
  "..xxx", // running
  ".....", // succeeded
  ".x...", // failed
  ".x...", // cancelled
};

template <class States, class Table, class Legal>
void compare(const States& states, const Table& table, Legal legal) {
  for (std::size_t i = 0; i < states.size(); ++i)
    for (std::size_t j = 0; j < states.size(); ++j) {
      if (legal(states[i], states[j]) != (table[i][j] == 'x'))
        CAF_MESSAGE("from " << to_string(states[i]) << " to "
                            << to_string(states[j]));
      CAF_CHECK_EQUAL(legal(states[i], states[j]), table[i][j] == 'x');
    }
}

} // namespace

CAF_TEST(leaves move as the table says) {
  compare(task_states, leaf_moves, legal_leaf_move);
}

CAF_TEST(parents move as the table says) {
  compare(task_states, parent_moves, legal_parent_move);
}

CAF_TEST(runs move as the table says) {
  compare(run_states, run_moves, legal_run_move);
}

CAF_TEST(settled states) {
  for (auto s : task_states)
    CAF_CHECK_EQUAL(settled(s),
                    s == succeeded || s == failed || s == cancelled);
  for (auto s : run_states)
    CAF_CHECK_EQUAL(settled(s), settled(static_cast<task_state>(s)));
}

CAF_TEST(public names) {
  const std::array<std::string, 6> names{"PENDING", "RUNNING", "SUCCEEDED",
                                         "FAILED",  "FAILED",  "CANCELLED"};
  for (std::size_t i = 0; i < names.size(); ++i)
    CAF_CHECK_EQUAL(std::string{to_string(task_states[i])}, names[i]);
  for (auto s : run_states) {
    const std::string name = to_string(s);
    CAF_CHECK(parse_run_state(name) == s);
  }
  CAF_CHECK(parse_run_state("sUccEeded") == run_state::succeeded);
  for (const auto* text : {"", "PENDIN", "PENDING ", " FAILED", "RETRYING"})
    CAF_CHECK(!parse_run_state(text));
}
