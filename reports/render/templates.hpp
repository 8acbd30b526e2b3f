// The files of reports/render/templates, embedded in the program when it is built (embed_templates.cmake).
#pragma once

#include <string_view>

namespace reports::render::templates {

extern const std::string_view report, index, markdown, style;

}  // namespace reports::render::templates
