#include "core/matrix.hpp"

#include "core/matrix_solver.hpp"

#include <algorithm>
#include <set>

namespace rouse::core {

/// Turns a MatrixSpec into nodes, collecting every problem on the way.
class Matrix::Compiler {
 public:
  explicit Compiler(const MatrixSpec& spec) : spec_(spec), matrix_(std::make_shared<Matrix>()) {}

  std::variant<std::shared_ptr<const Matrix>, std::vector<MatrixProblem>> run() {
    matrix_->models_ = spec_.models;
    std::sort(matrix_->models_.begin(), matrix_->models_.end());
    for (std::size_t i = 0; i < matrix_->models_.size(); ++i) {
      matrix_->index_.emplace(matrix_->models_[i], i);
    }
    read_vars();
    read_costs();
    read_sets();
    if (!problems_.empty()) return std::move(problems_);
    return std::shared_ptr<const Matrix>(std::move(matrix_));
  }

 private:
  using Where = MatrixProblem::Where;
  enum class Progress { Untouched, Open, Done };

  void note(Where where, std::string name, std::string text,
            std::optional<std::size_t> at = std::nullopt) {
    problems_.push_back({where, std::move(name), at, std::move(text)});
  }

  void read_vars() {
    for (const auto& [name, model] : spec_.vars) {
      const bool fits = !name.empty() && name.size() <= 32 &&
                        std::all_of(name.begin(), name.end(), [](unsigned char c) {
                          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                 (c >= '0' && c <= '9') || c == '.' || c == '-';
                        });
      if (!fits) {
        note(Where::Var, name,
             "var key \"" + name +
                 "\" must contain only alphanumeric characters, "
                 "dots and dashes, at most 32");
      }
      const auto it = matrix_->index_.find(model);
      if (it == matrix_->index_.end()) {
        note(Where::Var, name,
             "var key \"" + name + "\" references unknown model \"" + model + "\"");
      } else {
        vars_.emplace(name, it->second);
      }
    }
  }

  /// A var hides a model of the same name.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const {
    if (const auto it = vars_.find(name); it != vars_.end()) return it->second;
    if (const auto it = matrix_->index_.find(name); it != matrix_->index_.end()) return it->second;
    return std::nullopt;
  }

  void read_costs() {
    matrix_->costs_.assign(matrix_->models_.size(), 1);
    std::map<std::size_t, std::string> given;
    for (const auto& [name, cost] : spec_.evict_costs) {
      const auto model = find(name);
      if (!model) {
        note(Where::Cost, name, "unknown var or model \"" + name + "\"");
        continue;
      }
      if (cost <= 0) {
        note(Where::Cost, name,
             "evict_cost for \"" + name + "\" must be a positive integer, got " +
                 std::to_string(cost));
        continue;
      }
      const auto [it, fresh] = given.emplace(*model, name);
      if (!fresh) {
        note(Where::Cost, name,
             "this is the same model as \"" + it->second + "\", which has a cost");
        continue;
      }
      matrix_->costs_[*model] = cost;
    }
  }

  void read_sets() {
    if (spec_.sets.empty()) note(Where::Sets, {}, "matrix must define at least one set");
    for (std::size_t i = 0; i < spec_.sets.size(); ++i) {
      set_index_.emplace(spec_.sets[i].first, i);
      matrix_->sets_.push_back({spec_.sets[i].first, 0});
      auto parsed = parse_matrix_expr(spec_.sets[i].second);
      if (const auto* error = std::get_if<MatrixExprError>(&parsed)) {
        note(Where::Set, spec_.sets[i].first, error->text, error->at);
        exprs_.emplace_back();
      } else {
        exprs_.push_back(std::get<MatrixExpr>(std::move(parsed)));
      }
    }
    progress_.assign(spec_.sets.size(), Progress::Untouched);
    for (std::size_t i = 0; i < spec_.sets.size(); ++i) build_set(i);
  }

  void build_set(std::size_t set) {
    if (progress_[set] != Progress::Untouched) return;
    progress_[set] = Progress::Open;
    if (exprs_[set]) matrix_->sets_[set].root = build(*exprs_[set], set);
    progress_[set] = Progress::Done;
    matrix_->evaluation_.push_back(set);
  }

  std::size_t build(const MatrixExpr& expr, std::size_t set) {
    const std::string& set_name = spec_.sets[set].first;
    Node node;
    node.kind = expr.kind;
    if (expr.kind == MatrixExpr::Kind::Name) {
      const auto model = find(expr.name);
      if (!model) {
        note(Where::Set, set_name, "unknown var or model \"" + expr.name + "\"", expr.at);
      }
      node.model = model.value_or(0);
    } else if (expr.kind == MatrixExpr::Kind::Ref) {
      return build_ref(expr, set);
    }
    for (const MatrixExpr& part : expr.parts) node.parts.push_back(build(part, set));
    matrix_->nodes_.push_back(std::move(node));
    return matrix_->nodes_.size() - 1;
  }

  std::size_t build_ref(const MatrixExpr& expr, std::size_t set) {
    const std::string& set_name = spec_.sets[set].first;
    const auto it = set_index_.find(expr.name);
    if (it == set_index_.end()) {
      note(Where::Set, set_name,
           "set \"" + set_name + "\" references undefined set \"" + expr.name + "\"", expr.at);
      return 0;
    }
    if (progress_[it->second] == Progress::Open) {
      note(Where::Set, set_name, "circular reference detected involving set \"" + expr.name + "\"",
           expr.at);
      return 0;
    }
    build_set(it->second);
    return matrix_->sets_[it->second].root;
  }

  const MatrixSpec& spec_;
  std::shared_ptr<Matrix> matrix_;
  std::vector<MatrixProblem> problems_;
  std::map<std::string, std::size_t, std::less<>> vars_;
  std::map<std::string, std::size_t, std::less<>> set_index_;
  std::vector<std::optional<MatrixExpr>> exprs_;
  std::vector<Progress> progress_;
};

std::variant<std::shared_ptr<const Matrix>, std::vector<MatrixProblem>> Matrix::compile(
    const MatrixSpec& spec) {
  return Compiler(spec).run();
}

Eviction Matrix::make_room(std::string_view target, const ModelSet& running) const {
  if (running.contains(target)) return {{}, "it runs already"};
  Eviction room;
  const auto wanted = index_.find(target);
  std::vector<std::size_t> others;
  std::vector<ModelId> strangers;  // no longer configured: nothing allows them to stay
  for (const ModelId& model : running) {
    const auto it = index_.find(model);
    if (it == index_.end()) {
      strangers.push_back(model);
    } else {
      others.push_back(it->second);
    }
  }
  std::optional<Solver::Best> best;
  if (wanted != index_.end()) best = Solver(*this, wanted->second, others).solve();
  if (!best) {
    room.evict.assign(running.begin(), running.end());
    room.reason = "it is in no set, so it runs alone";
    return room;
  }
  long cost = 0;
  std::string leaving;
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (best->members.has(i)) continue;
    room.evict.push_back(models_[others[i]]);
    cost += costs_[others[i]];
  }
  room.evict.insert(room.evict.end(), strangers.begin(), strangers.end());
  std::sort(room.evict.begin(), room.evict.end());
  for (const ModelId& model : room.evict) leaving += (leaving.empty() ? "" : ", ") + model;
  room.reason = "set " + sets_[best->set].name +
                (leaving.empty() ? " has room for it"
                                 : " has room for it without " + leaving + " (cost " +
                                       std::to_string(cost) + ")");
  return room;
}

bool Matrix::may_coexist(std::string_view a, std::string_view b) const {
  if (a == b) return true;
  const auto first = index_.find(a);
  const auto second = index_.find(b);
  if (first == index_.end() || second == index_.end()) return false;
  const std::optional<Solver::Best> best = Solver(*this, first->second, {second->second}).solve();
  return best && best->members.has(0);
}

std::vector<std::string> Matrix::set_names() const {
  std::vector<std::string> names;
  for (const Set& set : sets_) names.push_back(set.name);
  return names;
}

Matrix::Expansion Matrix::expand(std::string_view set, std::size_t limit) const {
  const auto it =
      std::find_if(sets_.begin(), sets_.end(), [&](const Set& each) { return each.name == set; });
  if (it == sets_.end()) return {};
  // Only the first alternatives of a part can be in the first alternatives of the whole.
  const std::size_t enough = limit + 1;
  const auto spell = [&](const auto& self, std::size_t index) -> std::vector<ModelSet> {
    const Node& node = nodes_[index];
    if (node.kind == MatrixExpr::Kind::Name) return {{models_[node.model]}};
    std::vector<ModelSet> list;
    if (node.kind == MatrixExpr::Kind::And) list.emplace_back();
    for (const std::size_t part : node.parts) {
      const std::vector<ModelSet> below = self(self, part);
      std::vector<ModelSet> next =
          node.kind == MatrixExpr::Kind::Or ? list : std::vector<ModelSet>();
      const auto add = [&](ModelSet candidate) {
        const bool known = std::find(next.begin(), next.end(), candidate) != next.end();
        if (!known && next.size() < enough) next.push_back(std::move(candidate));
      };
      if (node.kind == MatrixExpr::Kind::Or) {
        for (const ModelSet& each : below) add(each);
      } else {
        for (const ModelSet& left : list) {
          for (const ModelSet& right : below) {
            ModelSet both = left;
            both.insert(right.begin(), right.end());
            add(std::move(both));
          }
        }
      }
      list = std::move(next);
    }
    return list;
  };
  Expansion expansion;
  expansion.alternatives = spell(spell, it->root);
  expansion.more = expansion.alternatives.size() > limit;
  if (expansion.more) expansion.alternatives.resize(limit);
  return expansion;
}

}  // namespace rouse::core
