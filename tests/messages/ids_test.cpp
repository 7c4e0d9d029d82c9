#define CAF_SUITE messages.ids

#include <array>
#include <string>

#include <conductor/ids.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

constexpr std::uint64_t mask40 = (std::uint64_t{1} << 40) - 1;
constexpr std::uint64_t mask48 = (std::uint64_t{1} << 48) - 1;
const std::string good = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

} // namespace

CAF_TEST(ulids come back from their text) {
  for (auto ms : {std::uint64_t{0}, std::uint64_t{1},
                  std::uint64_t{1'767'225'600'000}, mask48})
    for (auto high : {std::uint64_t{0}, std::uint64_t{31}, mask40})
      for (auto low : {std::uint64_t{0}, std::uint64_t{1} << 39, mask40}) {
        const ulid id{ms, high, low};
        const auto text = to_string(id);
        CAF_CHECK_EQUAL(text.size(), 26u);
        CAF_CHECK(parse_ulid(text) == id);
      }
  CAF_CHECK_EQUAL(to_string(ulid{}), std::string(26, '0'));
  CAF_CHECK_EQUAL(to_string(ulid{mask48, mask40, mask40}),
                  "7" + std::string(25, 'Z'));
  CAF_CHECK_EQUAL(to_string(*parse_ulid(good)), good);
}

CAF_TEST(each bit changes the text) {
  for (int bit = 0; bit < 40; ++bit) {
    const auto value = std::uint64_t{1} << bit;
    for (const auto& id :
         {ulid{value, 0, 0}, ulid{0, value, 0}, ulid{0, 0, value}})
      CAF_CHECK(parse_ulid(to_string(id)) == id);
  }
}

CAF_TEST(the order of texts is the order of times) {
  CAF_CHECK(to_string(ulid{1, mask40, mask40}) < to_string(ulid{2, 0, 0}));
  CAF_CHECK(to_string(ulid{1, 1, mask40}) < to_string(ulid{1, 2, 0}));
  CAF_CHECK(to_string(ulid{1, 1, 1}) < to_string(ulid{1, 1, 2}));
}

CAF_TEST(letters may be small) {
  CAF_CHECK(parse_ulid("01arz3ndektsv4rrffq69g5fav") == parse_ulid(good));
}

CAF_TEST(what is no ulid is refused) {
  CAF_CHECK(!parse_ulid(""));
  CAF_CHECK(!parse_ulid(good.substr(1)));
  CAF_CHECK(!parse_ulid(good + "0"));
  CAF_CHECK(!parse_ulid("8" + std::string(25, '0')));
  CAF_CHECK(!parse_ulid("Z" + std::string(25, '0')));
  CAF_CHECK(!parse_ulid("z" + std::string(25, '0')));
  // At each place, each character outside the alphabet.
  for (std::size_t at = 0; at < good.size(); ++at)
    for (char c : {'I', 'L', 'O', 'U', 'i', 'l', 'o', 'u', ' ', '-', '\0',
                   '\xC3', '{', '@', '/', ':'}) {
      auto text = good;
      text[at] = c;
      CAF_CHECK(!parse_ulid(text));
    }
}

CAF_TEST(keys are found again in ids of the same space and kind) {
  const std::array kinds{id_kind::run, id_kind::task, id_kind::event};
  const id_space space{0x2AAAAAAAAA}, other{0x2AAAAAAAAB};
  const auto created = from_ms(1'767'225'600'123);
  for (auto kind : kinds)
    for (auto key : {std::int64_t{1}, std::int64_t{1'000'000'000},
                     static_cast<std::int64_t>(mask40)}) {
      const auto id = parse_ulid(space.text(kind, created, key));
      CAF_REQUIRE(id.has_value());
      CAF_CHECK_EQUAL(id->ms, 1'767'225'600'123u);
      for (auto asked : kinds)
        CAF_CHECK(space.key(asked, *id)
                  == (asked == kind ? std::optional{key} : std::nullopt));
      CAF_CHECK(!other.key(kind, *id));
    }
}
