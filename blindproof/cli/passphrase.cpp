#include "blindproof/cli/passphrase.h"

#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "blindproof/base/file.h"

namespace blindproof::cli {
namespace {

constexpr std::size_t kMaxBytes = 4096;

base::Error refused(std::string detail) {
  return base::error(base::ErrorCode::kInvalidArgument, "passphrase", std::move(detail));
}

crypto::SecretBytes first_line(base::ByteSpan bytes) {
  auto end = std::ranges::find(bytes, '\n');
  if (end != bytes.begin() && *(end - 1) == '\r') --end;
  return crypto::SecretBytes::copy_of(bytes.first(static_cast<std::size_t>(end - bytes.begin())));
}

// Echo off while it lives.
class Unseen {
 public:
  Unseen() {
    ::tcgetattr(STDIN_FILENO, &before_);
    termios changed = before_;
    changed.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &changed);
  }
  ~Unseen() {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::fputc('\n', stderr);
  }

 private:
  termios before_{};
};

base::Result<crypto::SecretBytes> typed(const char* prompt) {
  std::fputs(prompt, stderr);
  std::fflush(stderr);
  const Unseen unseen;
  crypto::Secret<std::array<std::uint8_t, kMaxBytes>> line;
  const ssize_t got = ::read(STDIN_FILENO, line.expose_mutable().data(), kMaxBytes);
  if (got <= 0) return refused("none was typed");
  return first_line(base::ByteSpan(line.expose()).first(static_cast<std::size_t>(got)));
}

}  // namespace

base::Result<crypto::SecretBytes> read_passphrase(const std::optional<std::filesystem::path>& file, bool repeat) {
  crypto::SecretBytes passphrase;
  if (file) {
    BLINDPROOF_ASSIGN(base::Bytes bytes, base::read_file(*file, kMaxBytes));
    passphrase = first_line(bytes);
    crypto::wipe(bytes);
  } else {
    if (::isatty(STDIN_FILENO) == 0) return refused("is needed: give --passphrase-file, or use a terminal");
    BLINDPROOF_ASSIGN(passphrase, typed("Passphrase of the secret key: "));
    if (repeat) {
      BLINDPROOF_ASSIGN(const crypto::SecretBytes again, typed("The same once more: "));
      if (!crypto::constant_time_equal(passphrase.expose(), again.expose())) return refused("the two differ");
    }
  }
  if (passphrase.size() == 0) return refused("is empty");
  return passphrase;
}

}  // namespace blindproof::cli
