# Changes of state: what the differ found between two runs of a generator. `egret state run` writes them; a generator's
# block says the channel.
table "change" {
  description = "Changes of state: what was added, removed, changed or moved between two runs of a generator."
  channel     = "state"
  format      = format.jsonl.default
  map_fields  = []
  recognise   = [["operation", "generator", "run", "path_text"]]

  column "tp_timestamp" {
    source = "time"
  }

  column "channel" {
    description = "The channel of the generator, such as `aws.iam`."
    type        = "varchar"
  }

  column "generator" {
    description = "The generator's name."
    type        = "varchar"
  }

  column "run" {
    description = "The run that saw it. Runs of a generator are in the order of time."
    type        = "varchar"
  }

  column "operation" {
    description = "`add`, `remove`, `change`, or `move` where the order of a list matters."
    type        = "varchar"
  }

  column "key" {
    description = "What tells the object from others: a user's name, a path, `tcp/0.0.0.0/22`."
    type        = "varchar"
  }

  column "part" {
    description = "The part of the state that the object is of, such as an account and a region."
    type        = "varchar"
  }

  column "path" {
    description = "Where in the object, as RFC 6901 has it: `/Tags/0/Value`. Empty for the object itself."
    type        = "varchar"
  }

  column "path_text" {
    description = "The same for people, with names in place of numbers: `Tags[Key=team].Value`."
    type        = "varchar"
  }

  column "path_before" {
    description = "Where it stood before, for what was moved."
    type        = "varchar"
  }

  column "before" {
    description = "What was there."
    type        = "json"
  }

  column "after" {
    description = "What is there."
    type        = "json"
  }

  column "object_before" {
    description = "The object as it was; null if it was added, or is larger than 256 KiB."
    type        = "json"
  }

  column "object_after" {
    description = "The object as it is; null if it is gone, or is larger than 256 KiB."
    type        = "json"
  }

  column "first_seen" {
    description = "When the object was first seen."
    type        = "timestamp"
  }
}
