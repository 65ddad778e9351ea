// A progress bar on standard error, if that is a terminal.
#pragma once

#include "blindproof/base/progress.h"

namespace blindproof::cli {

base::Progress progress_bar();
/// Removes what is drawn. Harmless if nothing is.
void clear_progress_bar();

}  // namespace blindproof::cli
