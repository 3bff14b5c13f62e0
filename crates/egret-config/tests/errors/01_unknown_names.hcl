output "hook" {
  url    = "https://example.org"
  retrys = 3
  colour = "red"

  headr {
    name = "x"
  }

  retries {
  }
}

outptu "x" {
  url = "y"
}

something_else {
}
