"""Attention, in reading order.

`scaled_dot_product`  the function, by its definition and by the fastest kernel   `gradient`  its derivative by hand
`masks`               who may look where                                          `multi_head`  the module
`self_cross`          one sequence that looks at another                          `latent`  keys and values compressed (DeepSeek)
`flash`               tile by tile, never all scores at once                      `flash_triton`  the same as GPU kernels
`sparse`              fewer looks                                                 `linear`  sums made beforehand
`memory`              the last segment and a searched memory                      `complexity`  what each costs
"""
