#define CAF_SUITE actors.lease_book

#include "actors/executor/lease_book.hpp"

#include <caf/test/unit_test.hpp>

using conductor::lease_book;
using keys = std::vector<conductor::task_key>;

namespace {

std::string text(const keys& all) {
  std::string out;
  for (auto key : all)
    out += std::to_string(key) + ' ';
  return out;
}

keys held(const lease_book& book) {
  keys found;
  book.for_each_held([&](auto first) { found.push_back(first); });
  return found;
}

} // namespace

CAF_TEST(a lease ends with the last of its attempts) {
  lease_book book;
  book.take(10, 3);
  book.settle(10, 2);
  CAF_CHECK_EQUAL(text(book.release_ended()), "");
  CAF_CHECK_EQUAL(text(held(book)), "10 ");
  book.settle(10, 1);
  CAF_CHECK_EQUAL(text(held(book)), "");
  CAF_CHECK_EQUAL(text(book.release_ended()), "10 ");
  CAF_CHECK_EQUAL(text(book.release_ended()), "");
}

CAF_TEST(a lease is ours until its release is committed) {
  lease_book book;
  book.take(10, 1);
  book.settle(10, 1);
  const auto released = book.release_ended();
  CAF_CHECK(book.holds(10));
  book.released(released);
  CAF_CHECK(!book.holds(10));
}

CAF_TEST(a retry that is being claimed keeps the lease that it shares) {
  lease_book book;
  book.take(10, 4);
  book.settle(10, 1); // the first task failed
  book.take(10, 1);   // and its retry is claimed: the same row
  book.settle(10, 3); // the others end before that claim is answered
  CAF_CHECK_EQUAL(text(book.release_ended()), "");
  book.settle(10, 1);
  CAF_CHECK_EQUAL(text(book.release_ended()), "10 ");
}

CAF_TEST(a lease that is taken again while its release is under way stays) {
  lease_book book;
  book.take(10, 1);
  book.settle(10, 1);
  const auto released = book.release_ended();
  book.take(10, 1);
  book.released(released);
  CAF_CHECK_EQUAL(text(held(book)), "10 ");
  book.settle(10, 1);
  CAF_CHECK_EQUAL(text(book.release_ended()), "10 ");
}
