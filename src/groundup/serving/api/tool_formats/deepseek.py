"""DeepSeek V3 and R1: every call between marks of its own, all of them between two more.

    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>add
    ```json
    {"a": 1}
    ```<｜tool▁call▁end｜><｜tool▁calls▁end｜>

V3.1 leaves out `function` and the fence: <｜tool▁call▁begin｜>add<｜tool▁sep｜>{"a": 1}<｜tool▁call▁end｜>. Both are read; the first is written.
Read from the chat templates of deepseek-ai/DeepSeek-V3 and DeepSeek-V3.1.
"""

import re
from collections.abc import Sequence

from groundup.serving.api.tool_formats.calls import Call, Parsed, ToolFormat, held_back, object_end

ALL, END_ALL = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"
OPEN, SEPARATOR, CLOSE = "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>"
HEAD = re.compile(
    rf"\s*(?:function{re.escape(SEPARATOR)}([^\n{{]+)\n\s*(?:```json\s*)?(?={{)|(?!function<)([^\n<]+){re.escape(SEPARATOR)}\s*(?={{))"
)


def write(calls: Sequence[Call]) -> str:
    """Calls as the model writes them."""
    inner = "\n".join(
        f"{OPEN}function{SEPARATOR}{call.name}\n```json\n{call.arguments or '{}'}\n```{CLOSE}" for call in calls
    )
    return ALL + inner + END_ALL


def deepseek_calls(text: str, final: bool = True) -> Parsed:
    """What is certain of an answer so far; what stands behind the last call is the format's.

    >>> deepseek_calls('Yes.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{"a": 1')
    Parsed(words='Yes.', calls=(Call(name='f', arguments='{"a": 1'),))
    """
    words, mark, behind = text.partition(ALL)
    if not mark:
        return Parsed(held_back(words, (ALL,), final))
    calls: list[Call] = []
    while OPEN in behind:
        behind = behind.partition(OPEN)[2]
        if found := HEAD.match(behind):
            behind = behind[found.end() :]
            end = object_end(behind)
            calls.append(Call((found[1] or found[2]).strip(), behind if end < 0 else behind[:end]))
            behind = "" if end < 0 else behind[end:]
    return Parsed(words, tuple(calls)) if calls or not final else Parsed(text)


DEEPSEEK = ToolFormat("deepseek", "tool▁call", (ALL, END_ALL, OPEN, SEPARATOR, CLOSE), write, deepseek_calls)
