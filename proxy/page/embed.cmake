# SPDX-License-Identifier: MIT
# Joins the page at / from the files beside this one, and writes it as C: cmake -D OUTPUT=stats_page.c -P embed.cmake
set(here ${CMAKE_CURRENT_LIST_DIR})

# The SHA-256 of a text as a Content-Security-Policy names it, in base64: three hexadecimal digits are two of its characters, and the 64th is one and "=".
function(policy_hash text result)
  set(alphabet ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/)
  string(SHA256 hex "${text}")
  set(base64 "")
  foreach(at RANGE 0 60 3)
    string(SUBSTRING ${hex} ${at} 3 digits)
    math(EXPR high "0x${digits} >> 6")
    math(EXPR low "0x${digits} & 63")
    string(SUBSTRING ${alphabet} ${high} 1 first)
    string(SUBSTRING ${alphabet} ${low} 1 second)
    string(APPEND base64 ${first}${second})
  endforeach()
  string(SUBSTRING ${hex} 63 1 digit)
  math(EXPR last "0x${digit} << 2")
  string(SUBSTRING ${alphabet} ${last} 1 last)
  set(${result} "'sha256-${base64}${last}='" PARENT_SCOPE)
endfunction()

file(READ ${here}/page.html page)
file(READ ${here}/page.css style)
set(script "")
foreach(part format.js history.js pool.js charts.js tables.js notices.js page.js)
  file(READ ${here}/${part} text)
  string(APPEND script "${text}")
endforeach()
policy_hash("${style}" style_hash)
policy_hash("${script}" script_hash)
string(REPLACE "@STYLE@" "${style}" page "${page}")
string(REPLACE "@SCRIPT@" "${script}" page "${page}")

string(SHA256 etag "${page}")
string(SUBSTRING ${etag} 0 16 etag)
file(WRITE ${OUTPUT}.html "${page}")
file(READ ${OUTPUT}.html bytes HEX)
string(LENGTH ${bytes} size)
math(EXPR size "${size} / 2")
string(REGEX REPLACE "(..)" "0x\\1," bytes ${bytes})
string(REGEX REPLACE "((0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,))" "\\1\n" bytes ${bytes})
file(WRITE ${OUTPUT} "/* SPDX-License-Identifier: MIT\n * Made by proxy/page/embed.cmake.\n */
#include \"proxy/stats_page.h\"

const unsigned char stats_page[] = {
${bytes}
};
const size_t stats_page_size = ${size};
const char stats_page_etag[] = \"\\\"${etag}\\\"\";
const char stats_page_policy[] = \"default-src 'none'; script-src ${script_hash}; style-src ${style_hash}; img-src data:; connect-src 'self'; \"
                                 \"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'\";
")
