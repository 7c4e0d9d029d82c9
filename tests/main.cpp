// The one translation unit with CAF's test runner.
#include <caf/test/unit_test.hpp>
#include <caf/test/unit_test_impl.hpp>
