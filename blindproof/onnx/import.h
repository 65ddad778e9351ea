// ONNX files to float graphs. The file may come from anybody.
//
// The batch dimension (the first one of the input, symbolic or fixed) is stripped: a FloatGraph maps one sample.
// Operators that would mix samples are refused. A model whose only input is a vector of fixed size has no batch
// dimension. Of several outputs the one with scores is taken (scikit-learn exports labels and probabilities); whatever
// only the others need is left out.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "blindproof/base/bytes.h"
#include "blindproof/base/result.h"
#include "blindproof/model/float_graph.h"

namespace blindproof::onnx {

inline constexpr std::size_t kMaxFileBytes = (std::size_t{1} << 31) - 1;  // protobuf's own limit
inline constexpr std::size_t kMaxNodes = std::size_t{1} << 16;
inline constexpr std::size_t kMaxConstantElements = std::size_t{1} << 30;  // all weights together
inline constexpr std::int64_t kMinOpset = 7, kMaxOpset = 28;

struct ImportOptions {
  std::string output;  // empty: the only output, or the only one with scores
};

/// Weights in separate files are read from the model's own folder and nowhere else.
/// Errors: kIo; kMalformed; kLimit; kUnsupported, naming the node, its operator, the reason and what is supported.
base::Result<model::FloatGraph> import_onnx(const std::filesystem::path& path, const ImportOptions& options = {});

/// `folder` is where weights in separate files lie; empty refuses them. `place` names the model in messages.
base::Result<model::FloatGraph> import_onnx(base::ByteSpan bytes, const std::filesystem::path& folder,
                                            std::string_view place, const ImportOptions& options = {});

}  // namespace blindproof::onnx
