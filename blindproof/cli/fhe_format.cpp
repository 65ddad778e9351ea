#include "blindproof/cli/fhe_format.h"

#include <cmath>

namespace blindproof::cli {
std::string format_bits(double bits) { return std::to_string(static_cast<int>(std::lround(bits))); }

Json to_json(const engine::FheParameters& p) {
  return {{"name", p.name.empty() ? Json() : Json(p.name)},
          {"scheme", p.scheme},
          {"security_bits", p.security_bits},
          {"n", p.n},
          {"slots", p.slots},
          {"log_q", p.log_q},
          {"log_p", p.log_p},
          {"q_limbs", p.q_limbs},
          {"p_limbs", p.p_limbs},
          {"dnum", p.digits},
          {"t", p.t == 0 ? Json() : Json(p.t)},
          {"evaluation_key_bytes", p.evaluation_key_bytes}};
}

void add_parameters(const engine::FheParameters& p, Sheet& sheet) {
  sheet.line("parameters", (p.name.empty() ? "(no named set)" : p.name) + ": " + p.scheme + ", N = " + format_count(p.n) + ", " +
                               std::to_string(p.security_bits) + " bits of security")
      .line("moduli", std::to_string(p.q_limbs) + " of " + format_bits(p.log_q) + " bits together, and " +
                          std::to_string(p.p_limbs) + " special ones of " + format_bits(p.log_p))
      .line("slots", format_count(p.slots) + (p.t == 0 ? " real or complex numbers"
                                                       : " integers modulo " + format_count(static_cast<std::size_t>(p.t))));
}

Json to_json(const std::vector<compiler::StepSummary>& steps) {
  Json json = Json::array();
  for (const compiler::StepSummary& step : steps) {
    json.push_back({{"operation", step.operation}, {"nodes", step.nodes}, {"level", step.level}, {"elements", step.elements},
                    {"period", step.period}, {"diagonals", step.diagonals}, {"rotations", step.rotations},
                    {"approximation_error", step.approximation_error}});
  }
  return json;
}

std::string format_steps(const std::vector<compiler::StepSummary>& steps) {
  std::vector<std::vector<std::string>> rows = {{"step", "level", "elements", "diagonals", "rotations", "computes"}};
  for (const compiler::StepSummary& step : steps) {
    const bool matrix = step.diagonals > 0;
    rows.push_back({step.operation, std::to_string(step.level), format_count(step.elements), matrix ? format_count(step.diagonals) : "",
                    matrix ? format_count(step.rotations) : "", step.nodes});
  }
  return format_table(rows);
}

}  // namespace blindproof::cli
