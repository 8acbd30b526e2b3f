# cmake -DOUTPUT=FILE -DINPUTS=a;b -P embed_templates.cmake: a .cpp that holds each file as a string_view named by it.
set(text "// Made by embed_templates.cmake.\n#include \"reports/render/templates.hpp\"\n\nnamespace reports::render::templates {\n\n")
foreach(input IN LISTS INPUTS)
  file(READ ${input} content)
  get_filename_component(name ${input} NAME_WE)
  string(APPEND text "const std::string_view ${name} = R\"template(${content})template\";\n\n")
endforeach()
file(WRITE ${OUTPUT} "${text}}  // namespace reports::render::templates\n")
