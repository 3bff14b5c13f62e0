output "hook" {
  url      = 5
  retries  = -1
  enabled  = "true"
  timeout  = "soon"
  memory   = "lots"
  severity = "sev1"
  tags     = "one"
  ports    = [1, "two", 3.5]
  settings = ["a"]
  format   = "format.regex.mine"
}

output "other" {
  url     = varchar
  enabled = format.regex.mine
  timeout = { a = 1 }
  tags    = [1, true, local]
}
