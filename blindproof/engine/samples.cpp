#include "blindproof/engine/samples.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "blindproof/arrays/npy.h"
#include "blindproof/arrays/npz.h"

namespace blindproof::engine {
namespace {

using arrays::Array;
using base::ErrorCode;
using model::Int128;
using model::Shape;

constexpr std::string_view kZipMagic = "PK";

Shape without_ones(const Shape& shape) {
  Shape result;
  for (std::size_t size : shape)
    if (size != 1) result.push_back(size);
  return result;
}

bool fits(const Shape& sample, const Shape& shape) {
  const Shape bare = without_ones(sample);
  return bare == without_ones(shape) || bare == without_ones({model::element_count(shape)});
}

// Number of samples, and whether there is a dimension for them.
base::Result<std::pair<std::size_t, bool>> count_samples(const Array& array, const Shape& shape) {
  const Shape& all = array.shape;
  const bool front = !all.empty() && fits(Shape(all.begin() + 1, all.end()), shape);
  // [1,28,28] is one sample of a [1,28,28] model, and [1,1,28,28] a batch of one.
  if (fits(all, shape) && !(front && all.size() > shape.size())) return std::pair{std::size_t{1}, false};
  if (front && all[0] > 0) return std::pair{all[0], true};
  return base::error(ErrorCode::kInvalidArgument, "x",
                     "has the shape " + model::to_string(all) + "; the model takes " + model::to_string(shape) +
                         ", with or without a dimension in front for several samples");
}

base::Result<std::vector<std::uint32_t>> read_labels(const Array& array, std::size_t samples) {
  BLINDPROOF_ASSIGN(const std::vector<std::int64_t> values, arrays::to_int64(array));
  if (samples == 0 || values.size() % samples != 0 || values.empty()) {
    return base::error(ErrorCode::kInvalidArgument, "y", "has " + std::to_string(values.size()) + " labels for " +
                                                             std::to_string(samples) + " samples");
  }
  std::vector<std::uint32_t> labels;
  for (std::int64_t value : values) {
    if (value < 0 || value > std::numeric_limits<std::int32_t>::max()) {
      return base::error(ErrorCode::kInvalidArgument, "y",
                         "label " + std::to_string(value) + " is not the number of a class");
    }
    labels.push_back(static_cast<std::uint32_t>(value));
  }
  return labels;
}

struct SampleArrays {
  Array x;
  std::optional<Array> y;
};

base::Result<SampleArrays> read_arrays(const Path& path) {
  BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(path, arrays::kMaxNpzBytes));
  SampleArrays read;
  if (bytes.size() >= kZipMagic.size() && std::equal(kZipMagic.begin(), kZipMagic.end(), bytes.begin())) {
    BLINDPROOF_ASSIGN(arrays::ArrayMap map, arrays::parse_npz(bytes, path.string()));
    BLINDPROOF_ASSIGN(read.x, arrays::take_array(map, "x", path.string()));
    if (const auto found = map.find("y"); found != map.end()) read.y = std::move(found->second);
  } else {
    BLINDPROOF_ASSIGN(read.x, arrays::parse_npy(bytes, path.string()));
  }
  return read;
}

base::Result<Samples> split(const SampleArrays& read, const Shape& shape) {
  Samples samples;
  BLINDPROOF_ASSIGN(const auto counted, count_samples(read.x, shape));
  samples.batched = counted.second;
  BLINDPROOF_ASSIGN(const std::vector<float> values, arrays::to_floats(read.x));
  const auto size = static_cast<std::ptrdiff_t>(model::element_count(shape));
  for (auto at = values.begin(); at != values.end(); at += size) samples.x.emplace_back(at, at + size);
  if (read.y) {
    BLINDPROOF_ASSIGN(samples.labels, read_labels(*read.y, samples.x.size()));
  }
  return samples;
}

base::Result<std::vector<Int128>> to_integers(const Array& array) {
  std::vector<Int128> values;
  if (array.dtype == arrays::DType::kText) {
    BLINDPROOF_ASSIGN(const std::vector<std::string> texts, arrays::to_texts(array));
    for (const std::string& text : texts) {
      BLINDPROOF_ASSIGN(const Int128 value, base::parse_int128(text));
      values.push_back(value);
    }
    return values;
  }
  if (array.dtype == arrays::DType::kFloat32 || array.dtype == arrays::DType::kFloat64) {
    return base::error(ErrorCode::kInvalidArgument, "",
                       "holds floats, but a proof is about integers; give outputs as `prove --output` writes them, "
                       "without --dequantize");
  }
  BLINDPROOF_ASSIGN(const std::vector<std::int64_t> integers, arrays::to_int64(array));
  values.assign(integers.begin(), integers.end());
  return values;
}

base::Result<std::size_t> write_array(const Path& path, const Array& array, base::FileMode mode) {
  return write_bytes(path, arrays::write_npy(array), mode);
}

}  // namespace

base::Result<Samples> read_samples(const Path& path, const Shape& shape) {
  BLINDPROOF_ASSIGN(const SampleArrays read, read_arrays(path));
  base::Result<Samples> samples = split(read, shape);
  if (!samples.ok()) return in_file(path, std::move(samples).error());
  return samples;
}

base::Result<Samples> take_sample(Samples samples, std::size_t index) {
  const std::size_t count = samples.x.size();
  if (index >= count) {
    return base::error(ErrorCode::kInvalidArgument, "--index",
                       "there is no sample " + std::to_string(index) + "; the last one is " +
                           std::to_string(count - 1));
  }
  Samples one;
  one.x.push_back(std::move(samples.x[index]));
  if (samples.labels.size() == count) one.labels.push_back(samples.labels[index]);
  return one;
}

base::Result<std::vector<float>> read_sample(const Path& path, const Shape& shape, std::optional<std::size_t> index) {
  BLINDPROOF_ASSIGN(Samples samples, read_samples(path, shape));
  const std::size_t count = samples.x.size();
  if (!index && count > 1) {
    return base::error(ErrorCode::kInvalidArgument, path.string(),
                       "holds " + std::to_string(count) + " samples; choose one with --index (0 to " +
                           std::to_string(count - 1) + ")");
  }
  base::Result<Samples> one = take_sample(std::move(samples), index.value_or(0));
  if (!one.ok()) return in_file(path, std::move(one).error());
  return std::move(one->x[0]);
}

base::Result<Image> read_image(const Path& path, std::size_t index) {
  BLINDPROOF_ASSIGN(const SampleArrays read, read_arrays(path));
  const Shape& shape = read.x.shape;
  Image image;
  if (shape.size() >= 2) {
    image.height = shape[shape.size() - 2];
    image.width = shape[shape.size() - 1];
  }
  const std::size_t size = image.height * image.width;
  if (size == 0) return base::error(ErrorCode::kInvalidArgument, path.string(), "holds no images");
  base::Result<std::vector<float>> pixels = arrays::to_floats(read.x);
  if (!pixels.ok()) return in_file(path, std::move(pixels).error());
  const std::size_t count = pixels->size() / size;
  Samples images;
  if (read.y) {
    base::Result<std::vector<std::uint32_t>> labels = read_labels(*read.y, count);
    if (!labels.ok()) return in_file(path, std::move(labels).error());
    images.labels = *std::move(labels);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = pixels->begin() + static_cast<std::ptrdiff_t>(i * size);
    images.x.emplace_back(at, at + static_cast<std::ptrdiff_t>(size));
  }
  base::Result<Samples> one = take_sample(std::move(images), index);
  if (!one.ok()) return in_file(path, std::move(one).error());
  image.pixels = std::move(one->x[0]);
  if (!one->labels.empty()) image.label = one->labels[0];
  return image;
}

base::Result<std::vector<Int128>> read_integers(const Path& path) {
  BLINDPROOF_ASSIGN(const Array array, arrays::read_npy(path));
  base::Result<std::vector<Int128>> values = to_integers(array);
  if (!values.ok()) return in_file(path, std::move(values).error());
  return values;
}

base::Result<std::size_t> write_integers(const Path& path, const Shape& shape, const std::vector<Int128>& values,
                                         base::FileMode mode) {
  using Limits = std::numeric_limits<std::int64_t>;
  if (std::all_of(values.begin(), values.end(), [](Int128 v) { return v >= Limits::min() && v <= Limits::max(); })) {
    std::vector<std::int64_t> narrow;
    for (Int128 value : values) narrow.push_back(static_cast<std::int64_t>(value));
    return write_array(path, arrays::from_int64(shape, narrow), mode);
  }
  std::vector<std::string> texts;
  for (Int128 value : values) texts.push_back(base::to_string(value));
  return write_array(path, arrays::from_texts(shape, texts), mode);
}

base::Result<std::size_t> write_reals(const Path& path, const Shape& shape, const std::vector<double>& values,
                                      base::FileMode mode) {
  return write_array(path, arrays::from_doubles(shape, values), mode);
}

}  // namespace blindproof::engine
