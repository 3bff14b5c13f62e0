output "hook" {
  retries = 3

  header {
  }
}
output "null" {
  url = null
}
