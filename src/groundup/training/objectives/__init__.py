"""What a model is asked to predict; each objective is `loss(module, batch) -> (sum in nats, number of targets)`.

objective        asks for                                              of
causal           every next token                                      a decoder
balanced         the same, and that all experts are used               a decoder with experts
multi_token      the next few tokens at once                           a decoder with extra heads
fill_in_middle   every next token of a text whose middle comes last    a decoder
masked           the tokens that were hidden                           an encoder
span             the spans that were cut out                           an encoder-decoder
denoisers        short gaps, long gaps, endings (UL2)                  an encoder-decoder
prefix           what follows a beginning that is read both ways       a decoder under another mask
blanks           the spans that were cut out (GLM), in any order       a decoder with two places a token
contrastive      the partner of each text or picture in the batch      encoders
algorithmic      what follows the = of a small task                    a decoder

registry    which of them a recipe may choose (`[train] objective = "masked"`), and what fits; `task` makes its batches and its loss
z_loss      what holds the scores of any of them where they are
"""
