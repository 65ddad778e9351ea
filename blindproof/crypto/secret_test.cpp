#include "blindproof/crypto/secret.h"

#include <gtest/gtest.h>

#include <cstring>
#include <new>
#include <ostream>

namespace blindproof::crypto {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

static_assert(!Printable<SecretSeed> && !Printable<Secret<int>> && !Printable<SecretBytes>);
static_assert(!std::is_copy_constructible_v<SecretSeed> && !std::is_copy_assignable_v<SecretSeed>);
static_assert(!std::is_copy_constructible_v<SecretBytes> && !std::is_copy_assignable_v<SecretBytes>);
static_assert(std::is_nothrow_move_constructible_v<SecretSeed> && std::is_nothrow_move_assignable_v<SecretBytes>);

TEST(Secret, IsWipedWhenDestroyed) {
  using Value = std::array<std::uint8_t, 48>;
  alignas(Secret<Value>) std::array<std::uint8_t, sizeof(Secret<Value>)> storage;
  Value value;
  value.fill(0xa5);
  auto* secret = new (storage.data()) Secret<Value>(value);
  EXPECT_EQ(secret->expose(), value);
  secret->~Secret();
  __asm__ __volatile__("" : : "r"(storage.data()) : "memory");
  EXPECT_EQ(storage, decltype(storage){});
}

TEST(Secret, MovingWipesTheSource) {
  Secret<std::uint64_t> from(7);
  Secret<std::uint64_t> to(std::move(from));
  EXPECT_EQ(to.expose(), 7u);
  EXPECT_EQ(from.expose(), 0u);  // NOLINT(bugprone-use-after-move): that is the claim
  from = std::move(to);
  EXPECT_EQ(from.expose(), 7u);
  EXPECT_EQ(to.expose(), 0u);
  const Secret<std::uint64_t> copy = from.clone();
  EXPECT_EQ(copy.expose(), 7u);
}

TEST(SecretBytes, HoldsMovesAndClones) {
  const base::Bytes value = {1, 2, 3};
  SecretBytes from = SecretBytes::copy_of(value);
  SecretBytes copy = from.clone();
  SecretBytes to = std::move(from);
  EXPECT_EQ(from.size(), 0u);  // NOLINT(bugprone-use-after-move): that is the claim
  EXPECT_TRUE(constant_time_equal(to.expose(), value));
  copy.expose_mutable()[0] = 9;
  EXPECT_EQ(to.expose()[0], 1);
  to = std::move(copy);
  EXPECT_EQ(to.expose()[0], 9);
  EXPECT_TRUE(constant_time_equal(SecretBytes(2).expose(), base::Bytes{0, 0}));
  EXPECT_EQ(SecretBytes().size(), 0u);
}

TEST(ConstantTimeEqual, ComparesEveryByteAndTheSize) {
  EXPECT_TRUE(constant_time_equal({}, {}));
  const base::Bytes value(33, 0x5a);
  EXPECT_TRUE(constant_time_equal(value, base::Bytes(value)));
  EXPECT_FALSE(constant_time_equal(value, ByteSpan(value).first(32)));
  for (std::size_t bit = 0; bit < 8 * value.size(); ++bit) {
    base::Bytes other = value;
    other[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    EXPECT_FALSE(constant_time_equal(value, other)) << bit;
  }
}

}  // namespace
}  // namespace blindproof::crypto
