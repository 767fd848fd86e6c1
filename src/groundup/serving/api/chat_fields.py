"""The fields of a chat completion: what may be asked, and which of OpenAI's fields change nothing here or are refused.

https://platform.openai.com/docs/api-reference/chat. Parts that clients send back as they got them (messages, calls) may hold more than is read.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from groundup.serving.api.sampling import Drawing, Tokens
from groundup.serving.api.structured import ResponseFormat, StructuredOutputs

MOST_MESSAGES, MOST_TOOLS, MOST_TOP = 4096, 128, 20


class Loose(BaseModel):
    """A part of a request that clients send back as they got it: what it has besides is left alone."""

    model_config = ConfigDict(extra="ignore", strict=True)


class CalledFunction(Loose):
    """What was called. arguments: JSON as text."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    arguments: str = "{}"


class ToolCall(Loose):
    """A call in an earlier answer."""

    id: str | None = None
    type: Literal["function"] = "function"
    function: CalledFunction


class Message(Loose):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[dict[str, Any]] | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None


class Function(Loose):
    """A function that may be called. parameters: the JSON schema of its arguments."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]{1,64}$")]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Loose):
    """A tool."""

    type: Literal["function"]
    function: Function


class FunctionName(Loose):
    """The name of a function."""

    name: str


class NamedTool(Loose):
    """The tool that must be called."""

    type: Literal["function"]
    function: FunctionName


class ChatFields(Drawing):
    """The fields of a chat completion."""

    not_built: ClassVar[dict[str, str]] = {
        "audio": "no model here speaks",
        "prediction": "nothing is predicted",
        "web_search_options": "the server asks nobody",
        "functions": "it is the older form of tools",
        "function_call": "it is the older form of tool_choice",
    }
    model: str | None = None
    messages: Annotated[list[Message], Field(min_length=1, max_length=MOST_MESSAGES)]
    max_completion_tokens: Tokens | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=MOST_TOP)] | None = None
    tools: Annotated[list[Tool], Field(max_length=MOST_TOOLS)] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None  # false: only the first call is given
    response_format: ResponseFormat | None = None
    structured_outputs: StructuredOutputs | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    add_generation_prompt: bool | None = None
    continue_final_message: bool | None = None
    thinking_budget: Annotated[int, Field(ge=0, le=1 << 31)] | None = None  # tokens of a thought, which is closed then
    modalities: list[Literal["text"]] | None = None
    # known, and without effect on a model that runs here
    reasoning_effort: str | None = None
    verbosity: str | None = None
    store: bool | None = None
    metadata: dict[str, Any] | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None

    @property
    def most_new(self) -> int | None:
        """max_completion_tokens, or max_tokens under its older name."""
        return self.max_completion_tokens if self.max_completion_tokens is not None else self.max_tokens
