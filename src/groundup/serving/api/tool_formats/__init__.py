"""How each family of models writes a call of a tool, and how it is read while it comes.

calls       the interface, and the JSON object of a call as far as it came
hermes      Hermes, Qwen 2.5 and 3, and every model that was taught none    <tool_call>{"name": ..., "arguments": {...}}</tool_call>
llama3      Llama 3.1 to 3.3     {"name": ..., "parameters": {...}}, behind <|python_tag|> or alone
mistral     Mistral              [TOOL_CALLS][{...}, {...}]    or    [TOOL_CALLS]name[ARGS]{...}
deepseek    DeepSeek V3 and R1   <｜tool▁call▁begin｜>function<｜tool▁sep｜>name, then a JSON block
plain       a lone JSON object: what a constraint makes where a tool must be called
"""

from groundup.serving.api.tool_formats.calls import Parsed, Reader, ToolFormat
from groundup.serving.api.tool_formats.deepseek import DEEPSEEK
from groundup.serving.api.tool_formats.hermes import HERMES
from groundup.serving.api.tool_formats.llama3 import LLAMA3
from groundup.serving.api.tool_formats.mistral import MISTRAL
from groundup.serving.api.tool_formats.plain import PLAIN

FORMATS = {one.name: one for one in (HERMES, LLAMA3, MISTRAL, DEEPSEEK)}

__all__ = ["Parsed", "Reader", "ToolFormat", "FORMATS", "PLAIN", "of_template"]


def of_template(template: str | None) -> ToolFormat:
    """The format that a chat template speaks of; Hermes where it speaks of none."""
    return next((one for one in FORMATS.values() if template and one.mark in template), HERMES)
