#include "actors/handlers/process/process_runner.hpp"

#include "actors/handlers/process/process_loop.hpp"

namespace conductor {

process_runner::process_runner(process_options options)
  : loop_(std::make_unique<loop>(options)) {}

process_runner::~process_runner() = default;

void process_runner::start(key id, process_spec spec, callback done) {
  loop_->start(id, std::move(spec), std::move(done));
}

void process_runner::cancel(key id, std::string reason) {
  loop_->cancel(id, std::move(reason));
}

std::vector<process_runner::key> process_runner::withdraw_waiting() {
  return loop_->withdraw_waiting();
}

} // namespace conductor
