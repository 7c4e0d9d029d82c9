#include "actors/handlers/process/process_runner.hpp"

#include "actors/handlers/process/process_loop.hpp"

namespace conductor {

process_runner::process_runner(process_options options)
  : loop_(std::make_unique<loop>(options)) {}

process_runner::~process_runner() = default;

void process_runner::start(attempt_key which, process_spec spec,
                           callback done) {
  loop_->start(which, std::move(spec), std::move(done));
}

void process_runner::stop(attempt_key which, stop_reason reason) {
  loop_->stop(which, reason);
}

std::vector<attempt_key>
process_runner::withdraw(handler::time_point started_before) {
  return loop_->withdraw(started_before);
}

} // namespace conductor
