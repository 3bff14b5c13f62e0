output "one" {
  url = "a"

output "two" {
  url = "b"
}
