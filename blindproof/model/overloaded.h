// One lambda for each alternative of a variant: std::visit(Overloaded{...}, variant).
#pragma once

namespace blindproof::model {

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

}  // namespace blindproof::model
