#include <conductor/options.hpp>

namespace conductor {

error options::validate() const {
  const auto invalid = [](const char* name, const char* rule) {
    return error{errc::invalid, std::string{name} + " must be " + rule};
  };
  if (database.empty())
    return invalid("database", "the path of a file");
  if (workers > 100'000)
    return invalid("workers", "at most 100000");
  if (fanout_page < 1 || fanout_page > 100'000)
    return invalid("fanout_page", "1 to 100000");
  if (claim_page < 1 || claim_page > 100'000)
    return invalid("claim_page", "1 to 100000");
  if (batch < 1)
    return invalid("batch", "at least 1");
  if (max_waiting < 1)
    return invalid("max_waiting", "at least 1");
  if (lease_ahead < 0)
    return invalid("lease_ahead", "0 or more");
  if (max_lost < 1)
    return invalid("max_lost", "at least 1");
  if (sweep_interval < milliseconds{10})
    return invalid("sweep_interval", "at least 10ms");
  return {};
}

} // namespace conductor
