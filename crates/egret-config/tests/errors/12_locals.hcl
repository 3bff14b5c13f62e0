locals "named" {
  fine = 1

  nested {
  }
}
