sql "quoted" {
  where = "action = bad and true"
}

sql "backtick" {
  where = `action = bad and true`
}

sql "heredoc" {
  where = <<-EOT
    action = 'x'
      and bad
  EOT
}

sql "escaped" {
  where = "\"action\" = bad"
}

sql "fine" {
  where = "good"
}
