// What the files of plain and of encrypted programs write alike (docs/spec/fhe-programs.md, "Files").
#pragma once

#include <vector>

#include "blindproof/base/bytes.h"
#include "blindproof/fheml/program.h"

namespace blindproof::fheml {

inline constexpr std::uint8_t kAffineTag = 0, kPolynomialTag = 1, kProductTag = 2;
inline constexpr std::size_t kMaxTerms = 64;                  // of an affine step
inline constexpr std::size_t kMaxSlottedElements = 1 << 24;  // of all values together, where each is one ciphertext

/// Positive, and not absurd.
double read_magnitude(base::ByteReader& reader);

/// A polynomial or a product, after its bound and tag.
void write_elementwise(base::ByteWriter& writer, const Step& step);
/// Adds the layout of the result. Fails (reader.status()) unless values are known and fit.
void read_elementwise(base::ByteReader& reader, std::uint8_t tag, std::vector<Layout>& layouts, Step& step);

}  // namespace blindproof::fheml
