// ONNX's generated classes, with the definitions that Debian's build of them needs.
#pragma once

#ifndef ONNX_ML
#define ONNX_ML 1
#endif
#ifndef ONNX_NAMESPACE
#define ONNX_NAMESPACE onnx
#endif
#include <onnx/onnx_pb.h>

namespace blindproof::onnx {
namespace proto = ::onnx;
}
