#include "core/swap/in_quotes.hpp"
#include "core/swap/matrix.hpp"
#include "core/swap/matrix_expr.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <variant>

namespace rouse::core {
namespace {

using Where = MatrixProblem::Where;
using Compiled = std::variant<std::shared_ptr<const Matrix>, std::vector<MatrixProblem>>;

bool is_var_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-';
  };
  return !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), allowed);
}

// Turns one spec into code, or into problems.
class Compiler {
 public:
  explicit Compiler(const MatrixSpec& spec)
      : spec_(spec), models_(spec.models.begin(), spec.models.end()) {}

  Compiled compile() {
    read_vars();
    read_costs();
    read_sets();
    for (std::size_t i = 0; i < parsed_.size(); ++i) order_set(i, 0);
    if (!problems_.empty()) return std::move(problems_);
    emit_sets();
    if (!problems_.empty()) return std::move(problems_);
    finish();
    return std::make_shared<const Matrix>(std::move(code_));
  }

 private:
  struct ParsedSet {
    enum class Visit : std::uint8_t { New, Open, Done };
    Expr expr;  // empty after a syntax error
    Visit visit = Visit::New;
    std::uint32_t root = 0;
    std::size_t depth = 0;
  };

  void problem(Where where, const std::string& name, std::string text,
               std::optional<std::size_t> offset = std::nullopt) {
    problems_.push_back({where, name, offset, std::move(text)});
  }

  // The model that a name stands for: a var hides a model of the same name.
  [[nodiscard]] const ModelId* resolve(const std::string& name) const {
    const auto var = vars_.find(name);
    if (var != vars_.end()) return &var->second;
    const auto model = models_.find(name);
    return model == models_.end() ? nullptr : &*model;
  }

  void read_vars() {
    for (const auto& [name, model] : spec_.vars) {
      if (!is_var_name(name)) {
        problem(Where::Var, name,
                "var key " + in_quotes(name) +
                    " must contain only alphanumeric characters, \"-\" and \".\", and be 1 to 32 "
                    "characters long");
      }
      if (!models_.contains(model)) {
        problem(Where::Var, name,
                "var key " + in_quotes(name) + " references unknown model " + in_quotes(model));
      }
      if (!vars_.emplace(name, model).second) {
        problem(Where::Var, name, "var key " + in_quotes(name) + " is defined twice");
      }
    }
  }

  void read_costs() {
    std::map<ModelId, std::string> given_as;
    for (const auto& [name, cost] : spec_.evict_costs) {
      if (cost <= 0) {
        problem(Where::Cost, name,
                "evict_cost for " + in_quotes(name) + " must be a positive integer, got " +
                    std::to_string(cost));
      }
      const ModelId* model = resolve(name);
      if (model == nullptr) {
        problem(Where::Cost, name, "evict_cost for unknown var or model " + in_quotes(name));
        continue;
      }
      const auto [it, first] = given_as.emplace(*model, name);
      if (!first) {
        const std::string as =
            it->second == name ? "" : ", here and as " + in_quotes(it->second) + "; keep one";
        problem(Where::Cost, name,
                "evict_cost of model " + in_quotes(*model) + " is given twice" + as);
      }
      if (cost != 1) code_.costs[*model] = cost;
    }
  }

  void read_sets() {
    if (spec_.sets.empty()) problem(Where::Sets, "", "matrix must define at least one set");
    for (std::size_t i = 0; i < spec_.sets.size(); ++i) {
      if (!set_index_.emplace(spec_.sets[i].first, i).second) {
        const std::string& name = spec_.sets[i].first;
        problem(Where::Set, name, "set " + in_quotes(name) + " is defined twice");
      }
    }
    for (const auto& [name, text] : spec_.sets) {
      ParsedSet& set = parsed_.emplace_back();
      std::variant<Expr, ExprError> parsed = parse_matrix_expr(text);
      if (const auto* error = std::get_if<ExprError>(&parsed)) {
        problem(Where::Set, name, error->text, error->offset);
        continue;
      }
      set.expr = std::move(std::get<Expr>(parsed));
      for (const ExprNode& node : set.expr.nodes) check_name(name, node);
    }
  }

  void check_name(const std::string& set, const ExprNode& node) {
    if (node.kind == ExprNode::Kind::Name && resolve(node.text) == nullptr) {
      problem(Where::Set, set, "unknown var or model " + in_quotes(node.text), node.offset);
    }
    if (node.kind == ExprNode::Kind::Ref && !set_index_.contains(node.text)) {
      problem(Where::Set, set,
              "set " + in_quotes(set) + " references undefined set " + in_quotes(node.text),
              node.offset);
    }
  }

  // Puts a set into order_ after all that it refers to; `path`: references followed to get here.
  void order_set(std::size_t index, std::size_t path) {
    if (parsed_[index].visit != ParsedSet::Visit::New) return;
    parsed_[index].visit = ParsedSet::Visit::Open;
    const std::string& name = spec_.sets[index].first;
    for (const ExprNode& node : parsed_[index].expr.nodes) {
      if (node.kind != ExprNode::Kind::Ref || !set_index_.contains(node.text)) continue;
      const std::size_t target = set_index_.at(node.text);
      if (parsed_[target].visit == ParsedSet::Visit::Open) {
        problem(Where::Set, name,
                "circular reference detected involving set " + in_quotes(name) + ": \"+" +
                    node.text + "\" leads back to it",
                node.offset);
      } else if (path == kMatrixDepthMax) {
        problem(Where::Set, name, too_deep(name), node.offset);
      } else {
        order_set(target, path + 1);
      }
    }
    parsed_[index].visit = ParsedSet::Visit::Done;
    order_.push_back(index);
  }

  [[nodiscard]] static std::string too_deep(const std::string& name) {
    return "set " + in_quotes(name) + " refers to sets that refer to sets, more than " +
           std::to_string(kMatrixDepthMax) + " levels deep";
  }

  void emit_sets() {
    for (const auto& [name, text] : spec_.sets) code_.set_names.push_back(name);
    for (std::size_t index : order_) {
      emit_set(parsed_[index]);
      code_.sets.push_back({index, parsed_[index].root});
      const std::string& name = spec_.sets[index].first;
      if (parsed_[index].depth > 2 * kMatrixDepthMax) problem(Where::Set, name, too_deep(name));
    }
  }

  void emit_set(ParsedSet& set) {
    std::vector<std::uint32_t> emitted;  // node of the expression -> node of the code
    std::vector<std::size_t> depths;
    for (const ExprNode& node : set.expr.nodes) {
      std::size_t depth = 0;
      if (node.kind == ExprNode::Kind::Ref) {
        const ParsedSet& target = parsed_[set_index_.at(node.text)];
        code_.nodes[target.root].shared = true;
        emitted.push_back(target.root);
        depth = target.depth + 1;
      } else {
        for (std::uint32_t child : node.children) depth = std::max(depth, depths[child] + 1);
        emitted.push_back(emit_node(node, emitted));
      }
      depths.push_back(depth);
    }
    set.root = emitted.back();
    set.depth = depths.back();
  }

  std::uint32_t emit_node(const ExprNode& node, const std::vector<std::uint32_t>& emitted) {
    MatrixNode out;
    if (node.kind == ExprNode::Kind::Name) {
      const ModelId& model = *resolve(node.text);
      const auto [it, added] =
          code_.index.emplace(model, static_cast<std::uint32_t>(code_.models.size()));
      if (added) code_.models.push_back(model);
      out.model = it->second;
    } else {
      const bool all = node.kind == ExprNode::Kind::And;
      out.kind = all ? MatrixNode::Kind::And : MatrixNode::Kind::Or;
      for (std::uint32_t child : node.children) out.children.push_back(emitted[child]);
    }
    code_.nodes.push_back(std::move(out));
    return static_cast<std::uint32_t>(code_.nodes.size() - 1);
  }

  // What needs the number of models: the support of every node, and who shares an alternative with
  // whom. Every node is part of some set's alternatives, so every "&" says it for its branches.
  void finish() {
    const Bits none(code_.models.size());
    code_.coexist.assign(code_.models.size(), none);
    for (MatrixNode& node : code_.nodes) {
      node.support = none;
      if (node.kind == MatrixNode::Kind::Model) node.support.set(node.model);
      for (std::uint32_t child : node.children) {
        const Bits& added = code_.nodes[child].support;
        if (node.kind == MatrixNode::Kind::And) bring_together(node.support, added);
        node.support |= added;
      }
    }
  }

  void bring_together(const Bits& a, const Bits& b) {
    a.for_each([&](std::size_t model) { code_.coexist[model] |= b; });
    b.for_each([&](std::size_t model) { code_.coexist[model] |= a; });
  }

  const MatrixSpec& spec_;
  const ModelSet models_;
  std::map<std::string, ModelId> vars_;
  std::map<std::string, std::size_t> set_index_;
  std::vector<ParsedSet> parsed_;
  std::vector<std::size_t> order_;  // of evaluation: what a set refers to stands before it
  MatrixCode code_;
  std::vector<MatrixProblem> problems_;
};

}  // namespace

Compiled Matrix::compile(const MatrixSpec& spec) {
  return Compiler(spec).compile();
}

}  // namespace rouse::core
