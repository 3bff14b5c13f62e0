locals {
  text      = "x" + 1
  zero      = 1 / 0
  condition = "maybe" ? 1 : 2
  no_local  = local.txet
  cycle_a   = local.cycle_b
  cycle_b   = local.cycle_a
  list      = [1, 2]
  range     = local.list[2]
  key       = { name = 1 }.nmae
  attribute = local.list.name
  repeated  = { ("a") = 1, "a" = 2 }
  template  = "list: ${local.list}"
  spread    = max("x"...)
  for_what  = [for x in 5 : x]
  huge      = 1e308 * 10
}

loose = 1
