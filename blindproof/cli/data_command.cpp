// blindproof data show: an image as text. Not listed in the help; the demonstration uses it.
#include <algorithm>
#include <memory>
#include <optional>

#include "blindproof/cli/session.h"
#include "blindproof/engine/samples.h"

namespace blindproof::cli {
namespace {

constexpr std::string_view kUpper = "\u2580", kLower = "\u2584", kFull = "\u2588";

struct Image {
  std::vector<float> pixels;
  std::size_t height, width;
  bool bright(std::size_t y, std::size_t x, float threshold) const {
    return y < height && pixels[y * width + x] > threshold;
  }
};

// Two rows of pixels to a line.
std::string draw(const Image& image) {
  const auto [low, high] = std::minmax_element(image.pixels.begin(), image.pixels.end());
  const float threshold = (*low + *high) / 2;
  std::string text;
  for (std::size_t y = 0; y < image.height; y += 2) {
    std::string line = "  ";
    for (std::size_t x = 0; x < image.width; ++x) {
      const bool upper = image.bright(y, x, threshold), lower = image.bright(y + 1, x, threshold);
      line += upper ? (lower ? kFull : kUpper) : (lower ? kLower : " ");
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace

void add_data_command(CLI::App& app, Session& session) {
  struct Arguments {
    engine::Path path;
    std::size_t index = 0;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App& data = *app.add_subcommand("data", "Look at data")->group("");
  data.require_subcommand(1);
  CLI::App& command = *data.add_subcommand("show", "Draw an image with block characters");
  command.add_option("file", arguments->path, "X.npy, or x of an .npz archive: images of any size")->required();
  command.add_option("--index", arguments->index, "Which image, counted from 0")->capture_default_str();
  command.footer("Example:\n  blindproof data show mnist_test.npz --index 7");
  session.add_command(command, [&session, arguments] {
    auto image = engine::read_image(arguments->path, arguments->index);
    if (!image.ok()) return session.fail(image.error());
    const std::string text = draw({std::move(image->pixels), image->height, image->width});
    Json json = {{"height", image->height}, {"width", image->width}, {"text", text}};
    if (image->label) json["label"] = *image->label;
    return session.report(json, text);
  });
}

}  // namespace blindproof::cli
