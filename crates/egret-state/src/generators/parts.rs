//! The parts of a state that is asked of a service: each comes whole, or says why not.

use egret_http::CallError;
use serde_json::Value as Json;

use crate::documents::Documents;
use crate::generator::GenerateError;

/// What came of one part.
#[derive(Debug)]
pub(crate) struct Part {
    /// Its name: `123456789012/eu-west-1`.
    pub name: String,
    /// Its documents, or those of them that could be had.
    pub documents: Vec<Json>,
    /// Why it is not whole.
    pub problem: Option<CallError>,
}

impl Part {
    /// A part that came, or not.
    pub(crate) fn new(name: impl Into<String>, outcome: Result<Vec<Json>, impl Into<CallError>>) -> Self {
        let name = name.into();
        match outcome {
            Ok(documents) => Self { name, documents, problem: None },
            Err(problem) => Self { name, documents: Vec::new(), problem: Some(problem.into()) },
        }
    }

    /// A part that could not be looked at.
    pub(crate) fn failed(name: impl Into<String>, problem: impl Into<CallError>) -> Self {
        Self { name: name.into(), documents: Vec::new(), problem: Some(problem.into()) }
    }
}

/// Takes parts as they come.
#[derive(Debug)]
pub(crate) struct Parts<'d> {
    documents: &'d mut Documents,
    is_anything_there: bool,
    problem: Option<CallError>,
}

impl<'d> Parts<'d> {
    pub(crate) fn new(documents: &'d mut Documents) -> Self {
        Self { documents, is_anything_there: false, problem: None }
    }

    /// Takes a part.
    ///
    /// # Errors
    /// If its documents cannot be kept.
    pub(crate) fn take(&mut self, part: Part) -> Result<(), GenerateError> {
        self.is_anything_there |= part.problem.is_none() || !part.documents.is_empty();
        self.documents.begin_part(part.name.as_str());
        for document in part.documents {
            self.documents.push(document)?;
        }
        if let Some(problem) = part.problem {
            self.documents.fail(part.name, &problem);
            // Of several, one that may pass decides that the run is tried again.
            if !matches!(self.problem, Some(CallError::Retry { .. })) {
                self.problem = match (self.problem.take(), problem) {
                    (Some(first), CallError::Refused { .. }) => Some(first),
                    (_, problem) => Some(problem),
                };
            }
        }
        Ok(())
    }

    /// Ends the run.
    ///
    /// # Errors
    /// If no part could be looked at: then there is no state.
    pub(crate) fn finish(self) -> Result<(), GenerateError> {
        match self.problem {
            Some(problem) if !self.is_anything_there => Err(problem),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::shape::Shape;

    fn run(parts: Vec<Part>) -> (Result<(), GenerateError>, Vec<String>) {
        let mut documents = Documents::new(Shape::default(), Vec::new());
        let mut taking = Parts::new(&mut documents);
        parts.into_iter().for_each(|part| taking.take(part).unwrap());
        let end = taking.finish();
        let failed = documents.failed().iter().map(|failed| format!("{}: {}", failed.part, failed.message));
        (end, failed.collect())
    }

    #[test]
    fn a_state_without_any_part_is_none() {
        let refused = || CallError::refused("no");
        let busy = || CallError::retry("busy");
        let (end, failed) = run(vec![Part::failed("a", refused()), Part::failed("b", busy())]);
        assert_eq!((end, failed), (Err(busy()), vec!["a: no".to_owned(), "b: busy".to_owned()]));
        let (end, _) = run(vec![Part::failed("a", refused()), Part::failed("b", CallError::refused("nor"))]);
        assert_eq!(end, Err(refused()));
        let some = Part { name: "a".into(), documents: vec![json!({"id": 1})], problem: Some(busy()) };
        assert_eq!(run(vec![some, Part::failed("b", refused())]).0, Ok(()));
        let empty = Part::new("a", Ok::<_, CallError>(Vec::new()));
        assert_eq!(run(vec![empty, Part::failed("b", refused())]).0, Ok(()));
        assert_eq!(run(Vec::new()).0, Ok(()));
    }
}
