//! Templates: quoted strings and heredocs with `${…}`, `%{if}` and `%{for}`.

use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::template::{
    Directive, Element, ForDirective, HeredocTemplate, IfDirective, StringTemplate, Template,
};

use super::{Evaluator, STEP_WEIGHT};
use crate::functions::to_text;
use crate::place::Location;
use crate::syntax;
use crate::value::{Value, ValueKind};

/// A template as far as it is rendered.
#[derive(Default)]
struct Rendered {
    text: String,
    from_outside: bool,
}

/// How the texts of a template are to be read.
#[derive(Clone, Copy)]
enum Style {
    /// The parser has resolved the escapes.
    Quoted,
    /// As it stands in the file, without so many characters at the start of each line.
    Heredoc { indent: usize },
}

impl Evaluator<'_> {
    /// `"…${…}…"`. One that is nothing but an interpolation gives the value itself.
    pub(super) fn quoted_template(&mut self, template: &StringTemplate, location: Location) -> Option<Value> {
        if let Some(Element::Interpolation(only)) = template.as_single_element() {
            let value = self.evaluate(&only.expr)?;
            let from_outside = value.holds_outside();
            return Some(Value { kind: value.kind, location, from_outside });
        }
        let elements: Vec<&Element> = template.iter().collect();
        self.finish_template(&elements, Style::Quoted, location)
    }

    pub(super) fn heredoc(&mut self, heredoc: &HeredocTemplate, location: Location) -> Option<Value> {
        let indented = location.text().starts_with("<<-");
        let indent = if indented { common_indent(location.text()) } else { 0 };
        let elements: Vec<&Element> = heredoc.template.iter().collect();
        self.finish_template(&elements, Style::Heredoc { indent }, location)
    }

    fn finish_template(&mut self, elements: &[&Element], style: Style, location: Location) -> Option<Value> {
        let mut rendered = Rendered::default();
        self.render(elements, style, (false, false), &mut rendered)?;
        let Rendered { text, from_outside } = rendered;
        self.weigh(Value { kind: ValueKind::String(text), location, from_outside })
    }

    /// Appends `elements`. `trim` says whether the marker before or after them is a `~`, which takes away
    /// the white space next to it.
    fn render(
        &mut self,
        elements: &[&Element],
        style: Style,
        trim: (bool, bool),
        rendered: &mut Rendered,
    ) -> Option<()> {
        let mut complete = true;
        for (index, element) in elements.iter().enumerate() {
            let ok = match element {
                Element::Literal(literal) => {
                    let before = index.checked_sub(1).and_then(|before| elements.get(before));
                    let after = elements.get(index + 1);
                    let trim_start = before.map_or(trim.0, |element| strips(element).1);
                    let trim_end = after.map_or(trim.1, |element| strips(element).0);
                    let text = self.literal(literal, literal.span(), style);
                    let text = if trim_start { text.trim_start() } else { &text };
                    rendered.text.push_str(if trim_end { text.trim_end() } else { text });
                    Some(())
                }
                Element::Interpolation(interpolation) => self.interpolate(&interpolation.expr, rendered),
                Element::Directive(directive) => match &**directive {
                    Directive::If(directive) => self.render_if(directive, style, rendered),
                    Directive::For(directive) => self.render_for(directive, style, rendered),
                },
            };
            complete &= ok.is_some();
        }
        complete.then_some(())
    }

    fn interpolate(&mut self, expression: &Expression, rendered: &mut Rendered) -> Option<()> {
        let value = self.evaluate(expression)?;
        let Some(text) = to_text(&value) else {
            self.report(value.wrong_type("a string, a number or a boolean"));
            return None;
        };
        rendered.text.push_str(&text);
        rendered.from_outside |= value.from_outside;
        Some(())
    }

    fn render_if(&mut self, directive: &IfDirective, style: Style, rendered: &mut Rendered) -> Option<()> {
        let condition = self.evaluate(&directive.if_expr.cond_expr)?;
        rendered.from_outside |= condition.from_outside;
        let if_strip = directive.if_expr.strip;
        let end_strip = directive.endif_expr.strip;
        let else_strip = directive.else_expr.as_ref().map(|branch| branch.strip);
        if self.truth(&condition)? {
            let trim_end = else_strip.unwrap_or(end_strip).strip_start();
            let trim = (if_strip.strip_end(), trim_end);
            return self.render_template(&directive.if_expr.template, style, trim, rendered);
        }
        let Some(branch) = &directive.else_expr else { return Some(()) };
        let trim = (branch.strip.strip_end(), end_strip.strip_start());
        self.render_template(&branch.template, style, trim, rendered)
    }

    fn render_for(&mut self, directive: &ForDirective, style: Style, rendered: &mut Rendered) -> Option<()> {
        let intro = &directive.for_expr;
        let collection = self.evaluate(&intro.collection_expr)?;
        rendered.from_outside |= collection.holds_outside();
        let trim = (intro.strip.strip_end(), directive.endfor_expr.strip.strip_start());
        let location = collection.location.clone();
        for (key, value) in self.pairs(collection)? {
            let before = rendered.text.len();
            let depth = self.variables.len();
            if let Some(name) = &intro.key_var {
                self.variables.push((name.as_str().to_owned(), key));
            }
            self.variables.push((intro.value_var.as_str().to_owned(), value));
            let round = self.render_template(&intro.template, style, trim, rendered);
            self.variables.truncate(depth);
            round?;
            self.spend(STEP_WEIGHT + rendered.text.len() - before, &location)?;
        }
        Some(())
    }

    fn render_template(
        &mut self,
        template: &Template,
        style: Style,
        trim: (bool, bool),
        rendered: &mut Rendered,
    ) -> Option<()> {
        let elements: Vec<&Element> = template.iter().collect();
        self.render(&elements, style, trim, rendered)
    }

    /// A literal part. That of a heredoc is read from the file: the parser's own way of taking the indent away
    /// counts it for each part between interpolations, and cuts into text where they differ.
    fn literal(&self, parsed: &str, span: Option<std::ops::Range<usize>>, style: Style) -> String {
        let (Style::Heredoc { indent }, Some(span)) = (style, span) else {
            return syntax::literal_value(parsed);
        };
        let before = &self.file.text[..span.start];
        let raw = &self.file.text[span];
        let mut text = String::with_capacity(raw.len());
        for (index, line) in raw.split_inclusive('\n').enumerate() {
            let at_line_start = index > 0 || before.ends_with('\n');
            text.push_str(if at_line_start { without_indent(line, indent) } else { line });
        }
        text.replace("$${", "${").replace("%%{", "%{")
    }
}

/// Whether the markers at the start and end of `element` are `~`.
fn strips(element: &Element) -> (bool, bool) {
    let (first, last) = match element {
        Element::Literal(_) => return (false, false),
        Element::Interpolation(interpolation) => (interpolation.strip, interpolation.strip),
        Element::Directive(directive) => match &**directive {
            Directive::If(directive) => (directive.if_expr.strip, directive.endif_expr.strip),
            Directive::For(directive) => (directive.for_expr.strip, directive.endfor_expr.strip),
        },
    };
    (first.strip_start(), last.strip_end())
}

/// How many blanks all lines of a heredoc start with; lines of nothing but blanks do not count.
fn common_indent(heredoc: &str) -> usize {
    let mut lines: Vec<&str> = heredoc.lines().skip(1).collect();
    lines.pop();
    let indents =
        lines.iter().filter(|line| !line.trim().is_empty()).map(|line| line.len() - unindented(line));
    indents.min().unwrap_or(0)
}

fn unindented(line: &str) -> usize {
    line.trim_start_matches([' ', '\t']).len()
}

fn without_indent(line: &str, indent: usize) -> &str {
    &line[indent.min(line.len() - unindented(line))..]
}
