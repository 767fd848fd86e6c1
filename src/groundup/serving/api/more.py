"""The other endpoints in one table: Anthropic's Messages, and what embeds, ranks, classifies and shows tokens.

POST /v1/messages, /v1/messages/count_tokens        messages.py
POST /rerank, /score, /classify, /reward             ranking.py     (also below /v1)
POST /tokenize, /detokenize, /apply-template         texts.py
POST /v1/load_lora_adapter, /v1/unload_lora_adapter  lora.py
"""

from groundup.serving.api import lora, messages, ranking, texts

ROUTES = (
    ("/v1/messages", messages.MessageFields, messages.create, "Answer, in the form of Anthropic's Messages.", True),
    ("/v1/messages/count_tokens", messages.CountFields, messages.count_tokens, "Tokens of a conversation.", True),
    ("/rerank", ranking.RerankFields, ranking.rerank, "Documents by their nearness to a query."),
    ("/v1/rerank", ranking.RerankFields, ranking.rerank, "The same."),
    ("/score", ranking.ScoreFields, ranking.score, "Nearness of pairs of texts."),
    ("/v1/score", ranking.ScoreFields, ranking.score, "The same."),
    ("/classify", ranking.ClassifyFields, ranking.classify, "Labels of texts."),
    ("/v1/classify", ranking.ClassifyFields, ranking.classify, "The same."),
    ("/reward", ranking.ClassifyFields, ranking.reward, "One number for each text."),
    ("/v1/reward", ranking.ClassifyFields, ranking.reward, "The same."),
    ("/tokenize", texts.TokenizeFields, texts.tokenize, "Ids of a text or a conversation."),
    ("/detokenize", texts.DetokenizeFields, texts.detokenize, "The text of ids."),
    ("/v1/load_lora_adapter", lora.LoadFields, lora.load, "Offer one more adapter of a model."),
    ("/v1/unload_lora_adapter", lora.UnloadFields, lora.unload, "Offer an adapter no longer."),
    ("/apply-template", texts.TemplateFields, texts.apply_template, "A conversation as the model reads it."),
)
