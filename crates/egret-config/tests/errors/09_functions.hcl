locals {
  unknown   = uper("x")
  stranger  = launch_missiles()
  too_few   = replace("a", "b")
  too_many  = upper("a", "b")
  wrong     = upper(["a"])
  no_env    = env("NOT_SET")
  no_file   = file("not_there.txt")
  bad_regex = regex("(", "x")
  no_match  = regex("[0-9]+", "x")
  bad_json  = jsondecode("{")
  too_long  = range(5000)
  bad_verb  = format("%y", 1)
  more      = format("%s %s", "a")
  less      = format("%s", "a", "b")
  several   = [uper("x"), trimspce("y")]
}
