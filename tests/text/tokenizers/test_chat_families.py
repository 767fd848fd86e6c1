"""Chat templates of published families, written anew here: rendered as `transformers` renders them, masks exact."""

import os

import pytest

from groundup.errors import InputError
from groundup.text.tokenizers import ByteLevelTokenizer, load_tokenizer
from groundup.text.tokenizers.added_tokens import AddedToken
from groundup.text.tokenizers.special_tokens import CHATML

TURN = "{% for m in messages %}"
ALTERNATE = (
    "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
)
# family: (template, begin, end, further control tokens, what an answer is followed by, whether a system turn is allowed)
FAMILIES = {
    "chatml": (CHATML, None, "<|im_end|>", ["<|im_start|>"], "<|im_end|>", True),
    "qwen": (
        "{%- if tools %}\n    {{- '<|im_start|>system\\n# Tools\\n' }}\n    {%- for tool in tools %}\n"
        "        {{- tool | tojson ~ '\\n' }}\n    {%- endfor %}\n    {{- '<|im_end|>\\n' }}\n{%- endif %}\n"
        "{%- for m in messages %}\n    {{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>' + '\\n' }}\n"
        "{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n{%- endif %}\n",
        None, "<|im_end|>", ["<|im_start|>"], "<|im_end|>", True,
    ),
    "llama2": (
        "{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}"
        "{% set system = '<<SYS>>\\n' ~ messages[0]['content'] ~ '\\n<</SYS>>\\n\\n' %}"
        "{% else %}{% set rest = messages %}{% set system = '' %}{% endif %}"
        "{% for m in rest %}" + ALTERNATE + "{% if m['role'] == 'user' %}"
        "{{ bos_token + '[INST] ' + (system if loop.first else '') + m['content'].strip() + ' [/INST]' }}"
        "{% elif m['role'] == 'assistant' %}{{ ' ' + m['content'].strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
        "<s>", "</s>", ["<unk>"], " </s>", True,
    ),
    "llama3": (
        TURN + "{% set turn = '<|start_header_id|>' + m['role'] + '<|end_header_id|>\\n\\n' + m['content'] | trim "
        "+ '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set turn = bos_token + turn %}{% endif %}{{ turn }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
        "<|begin_of_text|>", "<|eot_id|>", ["<|start_header_id|>", "<|end_header_id|>"], "<|eot_id|>", True,
    ),
    "mistral": (
        "{{ bos_token }}" + TURN + ALTERNATE + "{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
        "{% elif m['role'] == 'assistant' %}{{ m['content'] + eos_token}}{% else %}"
        "{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}",
        "<s>", "</s>", ["<unk>"], "</s>", False,
    ),
    "gemma": (
        "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
        "{% endif %}" + TURN + "{% if m['role'] == 'assistant' %}{% set role = 'model' %}{% else %}"
        "{% set role = m['role'] %}{% endif %}"
        "{{ '<start_of_turn>' + role + '\\n' + m['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{'<start_of_turn>model\\n'}}{% endif %}",
        "<bos>", "<eos>", ["<start_of_turn>", "<end_of_turn>"], "<end_of_turn>", False,
    ),
    "zephyr": (
        TURN + "\n{% if m['role'] in ['user', 'system', 'assistant'] %}\n"
        "{{ '<|' + m['role'] + '|>\n' + m['content'] + eos_token }}\n{% endif %}\n"
        "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}",
        "<s>", "</s>", [], "</s>", True,
    ),
    "phi3": (
        TURN + "{{ '<|' + m['role'] + '|>\\n' + m['content'] + '<|end|>\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}",
        None, "<|end|>", ["<|user|>", "<|assistant|>", "<|system|>"], "<|end|>", True,
    ),
    "deepseek": (
        "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}"
        "{% set ns = namespace(system='') %}" + TURN + "{% if m['role'] == 'system' %}{% set ns.system = m['content'] %}"
        "{% endif %}{% endfor %}{{ bos_token }}{{ ns.system }}" + TURN + "{%- if m['role'] == 'user' %}"
        "{{ '<｜User｜>' + m['content'] }}{%- elif m['role'] == 'assistant' %}"
        "{{ '<｜Assistant｜>' + m['content'] + '<｜end▁of▁sentence｜>' }}{%- endif %}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<｜Assistant｜>' }}{% endif %}",
        "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", ["<｜User｜>", "<｜Assistant｜>"], "<｜end▁of▁sentence｜>", True,
    ),
    "command": (
        "{{ bos_token }}" + TURN + "{% set who = {'user': '<|USER_TOKEN|>', 'assistant': '<|CHATBOT_TOKEN|>', "
        "'system': '<|SYSTEM_TOKEN|>'}[m['role']] %}"
        "{{ '<|START_OF_TURN_TOKEN|>' ~ who ~ m['content'].strip() ~ '<|END_OF_TURN_TOKEN|>' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}{% endif %}",
        "<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>",
        ["<|START_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>", "<|SYSTEM_TOKEN|>"],
        "<|END_OF_TURN_TOKEN|>", True,
    ),
}  # fmt: skip


class Family:
    """One family in our hands and in those of transformers."""

    def __init__(self, name: str, tokenizer, folder) -> None:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        transformers = pytest.importorskip("transformers")
        template, begin, end, others, self.closing, self.has_system = FAMILIES[name]
        controls = [token for token in (begin, end, *others) if token]
        first = 1 + max(tokenizer.vocabulary.values())
        added = [
            AddedToken(id=first + k, content=token, rstrip=name == "phi3", special=True)
            for k, token in enumerate(controls)
        ]
        self.name = name
        ByteLevelTokenizer(
            tokenizer.vocabulary,
            tokenizer.merges,
            special_tokens={},
            added_tokens=added,
            bos_token=begin,
            eos_token=end,
            chat_template=template,
        ).save(folder / name)
        self.ours = load_tokenizer(folder / name)
        self.theirs = transformers.AutoTokenizer.from_pretrained(folder / name)

    def conversations(self, texts: list[str]):
        """Conversations of all lengths, some with a system turn."""
        roles = ["user", "assistant"] * 3
        for i in range(0, len(texts) - 6, 3):
            turns = [{"role": r, "content": t} for r, t in zip(roles[: 1 + i % 5], texts[i:], strict=False)]
            system = [{"role": "system", "content": texts[i + 5]}] if self.has_system and i % 2 else []
            yield system + turns


@pytest.fixture(scope="module", params=list(FAMILIES))
def family(request, tokenizer, tmp_path_factory) -> Family:
    return Family(request.param, tokenizer, tmp_path_factory.mktemp("families"))


def test_a_conversation_is_written_byte_for_byte_as_transformers_writes_it(family, strings):
    for messages in family.conversations(strings(90, seed=51)):
        for prompt in (False, True):
            options = {"add_generation_prompt": prompt}
            text = family.theirs.apply_chat_template(messages, tokenize=False, **options)
            assert family.ours.apply_chat_template(messages, tokenize=False, **options) == text
            ids = family.theirs.apply_chat_template(messages, **options)["input_ids"]
            assert family.ours.apply_chat_template(messages, **options) == ids


def test_the_mask_covers_each_answer_and_what_closes_it(family):
    messages = [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "It is é 1."}] * 2
    messages[3] = {"role": "assistant", "content": "Two\nlines 猫"}
    ids, mask = family.ours.apply_chat_template(messages, return_assistant_mask=True)
    assert ids == family.ours.apply_chat_template(messages)
    kept = family.ours.decode([id for id, one in zip(ids, mask, strict=True) if one])
    before = " " if family.name == "llama2" else ""
    assert kept == f"{before}It is é 1.{family.closing}{before}Two\nlines 猫{family.closing}"


def test_a_control_token_in_a_message_stays_text(family):
    spelled = list(family.ours.special_tokens)
    messages = [{"role": "user", "content": f"a{token}b"} for token in spelled]
    controls = set(family.ours.special_tokens.values())
    for message in messages:
        plain = family.ours.apply_chat_template([{"role": "user", "content": "ab"}], add_generation_prompt=True)
        ids = family.ours.apply_chat_template([message], add_generation_prompt=True)
        assert [id for id in ids if id in controls] == [id for id in plain if id in controls]
        assert message["content"] in family.ours.apply_chat_template([message], tokenize=False)


def test_what_a_family_refuses_is_said_in_its_words(family):
    wrong = [{"role": "system", "content": "s"}] if not family.has_system else [{"role": "assistant", "content": "a"}]
    if family.name in ("llama2", "mistral", "gemma"):
        with pytest.raises(InputError, match="refuses this conversation: (Conversation roles|Only user|System role)"):
            family.ours.apply_chat_template(wrong)


def test_tools_reach_the_template(family):
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"é": "<&>"}}}]
    messages = [{"role": "user", "content": "Rain?"}]
    expected = family.theirs.apply_chat_template(messages, tools=tools, tokenize=False)
    assert family.ours.apply_chat_template(messages, tools=tools, tokenize=False) == expected
