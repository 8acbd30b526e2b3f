#include "reports/render/proof_view.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "reports/render/text.hpp"

namespace reports::render {

using record::Proof;
using record::Report;

namespace {

std::vector<std::string> in_order_of_appearance(const Report& report, std::string Proof::*member) {
  std::vector<std::string> names;
  for (const auto& proof : report.proof) {
    if (std::find(names.begin(), names.end(), proof.*member) == names.end()) names.push_back(proof.*member);
  }
  return names;
}

struct Cell {
  std::string css, sign, word;
};

// The words of verdict_given: "fail", "pass" or "unknown", and behind a colon why.
Cell cell_of(const Proof& proof) {
  if (proof.verdict_given.starts_with("unknown")) return {"unknown", "?", "unknown"};
  const bool failed = proof.verdict_given == "fail";
  if (proof.verdict_wanted == "fail") return failed ? Cell{"pass", "✓", "noticed"} : Cell{"fail", "✗", "unnoticed"};
  if (proof.sabotage == "untouched") return failed ? Cell{"fail", "✗", "fails"} : Cell{"pass", "✓", "passes"};
  return failed ? Cell{"pass", "✓", "noticed"} : Cell{"unknown", "○", "blind"};
}

PageData cell_data(const Cell& cell) {
  PageData data;
  data.set("given", !cell.word.empty());
  data.set("class", cell.css);
  data.set("sign", cell.sign);
  data.set("word", cell.word);
  return data;
}

}  // namespace

void set_proof(PageData& page, const Report& report) {
  const auto checks = in_order_of_appearance(report, &Proof::check);
  auto columns = PageData(PageData::type::list), rows = PageData(PageData::type::list);
  for (const auto& check : checks) columns << value(check);
  for (const auto& sabotage : in_order_of_appearance(report, &Proof::sabotage)) {
    auto cells = PageData(PageData::type::list);
    for (const auto& check : checks) {
      const auto found = std::find_if(report.proof.begin(), report.proof.end(), [&](const auto& proof) {
        return proof.check == check && proof.sabotage == sabotage;
      });
      cells << cell_data(found == report.proof.end() ? Cell{} : cell_of(*found));
    }
    PageData row;
    row.set("name", value(sabotage));
    row.set("cells", cells);
    rows << row;
  }
  page.set("has_proof", !report.proof.empty());
  page.set("proof_checks", columns);
  page.set("proof_rows", rows);
}

}  // namespace reports::render
