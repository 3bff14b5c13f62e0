output "hook" {
  url = "a"
}
lake {
}
output "hook" {
  url = "b"
}
lake {
}
locals {
  one = 1
}
locals {
  one = 2
}
output "two" {
  url = "c"

  proxy {
  }
  proxy {
  }
}
