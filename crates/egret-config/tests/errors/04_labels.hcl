output {
  url = "x"
}
output "a" "b" {
  url = "x"
}
partition "aws_cloudtrail_log" {
}
lake "here" {
}
output "c" {
  url = "x"

  header "x" "surplus" {
    value = "1"
  }
}
