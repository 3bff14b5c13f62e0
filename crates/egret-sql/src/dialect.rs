//! The grammar: DuckDB's, with the JSON arrows bound as PostgreSQL binds them.

use std::any::TypeId;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::sql::parser::Statement as PlannerStatement;
use datafusion::sql::sqlparser::ast::{Expr, ExprWithAlias, Statement};
use datafusion::sql::sqlparser::dialect::{Dialect, DuckDbDialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};

use crate::error::SqlError;
use crate::functions::list::LIST_CONTAINS;
use crate::rewrite::{call, negate_if};
use crate::shape::flatten;

/// SQL longer than this is refused before it is read.
pub const MAX_SQL_BYTES: usize = 1 << 20;

/// How deep brackets and subqueries may nest.
const MAX_NESTING: usize = 100;

/// `->` and `->>` bind tighter than every operator but `::` (50), so that `n = 1 and j->>'a' = 'x'` means
/// what it seems to. DuckDB binds them weaker than `=`, hence the brackets in public queries; those mean the
/// same here.
const ARROW_PRECEDENCE: u8 = 45;

/// How many operators a statement may have. They are parsed into a tree as deep as there are.
const MAX_OPERATORS: usize = 5_000;

/// How many `union`, `except` and `intersect` a statement may have, for the same reason.
const MAX_SET_OPERATIONS: usize = 100;

/// Our dialect. The parser takes it for DuckDB's where it asks by type.
#[derive(Debug, Default)]
struct EgretDialect {
    /// How many operators the parser has met.
    operators: AtomicUsize,
}

impl Dialect for EgretDialect {
    fn dialect(&self) -> TypeId {
        TypeId::of::<DuckDbDialect>()
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        match &parser.peek_token_ref().token {
            Token::Arrow | Token::LongArrow => Some(Ok(ARROW_PRECEDENCE)),
            token if is_isnull(token) => Some(Ok(self.prec_value(Precedence::Is))),
            _ => None,
        }
    }

    /// `x isnull`; and `'x' in list` without brackets asks the list, as in DuckDB.
    fn parse_infix(
        &self,
        parser: &mut Parser,
        left: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        if self.operators.fetch_add(1, Ordering::Relaxed) >= MAX_OPERATORS {
            return Some(Err(ParserError::RecursionLimitExceeded));
        }
        if is_isnull(&parser.peek_token_ref().token) {
            parser.next_token();
            return Some(Ok(Expr::IsNull(Box::new(left.clone()))));
        }
        let is_negated = is_word(&parser.peek_token_ref().token, Keyword::NOT);
        let at = usize::from(is_negated);
        if !is_word(&parser.peek_nth_token_ref(at).token, Keyword::IN) {
            return None;
        }
        let after = &parser.peek_nth_token_ref(at + 1).token;
        if *after == Token::LParen || is_word(after, Keyword::UNNEST) {
            return None;
        }
        for _ in 0..=at {
            parser.next_token();
        }
        Some(
            parser
                .parse_subexpr(precedence)
                .map(|list| negate_if(is_negated, call(LIST_CONTAINS, vec![list, left.clone()]))),
        )
    }

    // A lambda would be written with the same sign as the JSON operator.
    fn supports_lambda_functions(&self) -> bool {
        false
    }

    /// `1_000` is 1000.
    fn supports_numeric_literal_underscores(&self) -> bool {
        true
    }

    /// `f(a = b)` compares; a named argument is written `a := b`.
    fn supports_named_fn_args_with_eq_operator(&self) -> bool {
        false
    }

    // Everything below is as in `DuckDbDialect`.

    fn supports_trailing_commas(&self) -> bool {
        true
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch.is_ascii_digit() || ch == '$' || ch == '_'
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_assignment_operator(&self) -> bool {
        true
    }

    fn supports_dictionary_syntax(&self) -> bool {
        true
    }

    fn support_map_literal_syntax(&self) -> bool {
        true
    }

    fn allow_extract_single_quotes(&self) -> bool {
        true
    }

    fn supports_explain_with_utility_options(&self) -> bool {
        true
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }

    fn supports_from_first_select(&self) -> bool {
        true
    }

    fn supports_order_by_all(&self) -> bool {
        true
    }

    fn supports_select_wildcard_exclude(&self) -> bool {
        true
    }

    fn supports_notnull_operator(&self) -> bool {
        true
    }

    fn supports_select_wildcard_replace(&self) -> bool {
        true
    }

    fn supports_comma_separated_trim(&self) -> bool {
        true
    }
}

fn is_word(token: &Token, keyword: Keyword) -> bool {
    matches!(token, Token::Word(word) if word.keyword == keyword)
}

/// The parser has no keyword for it.
fn is_isnull(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("isnull"))
}

/// Reads one statement; a `;` may follow it.
pub(crate) fn parse_statement(sql: &str) -> Result<Statement, SqlError> {
    let dialect = EgretDialect::default();
    let parsed = parser(&dialect, sql)?.parse_statements();
    let mut statements = parsed.map_err(|error| SqlError::from_parser(sql, &error))?;
    let Some(mut statement) = statements.pop() else {
        return Err(SqlError::new("there is no SQL here").with_hint("write a query such as `select 1`"));
    };
    if !statements.is_empty() {
        return Err(SqlError::new("more than one statement").with_hint("run them one by one"));
    }
    flatten(&mut statement)?;
    Ok(statement)
}

/// Reads one expression, and nothing after it.
pub(crate) fn parse_expression(sql: &str) -> Result<Expr, SqlError> {
    let dialect = EgretDialect::default();
    let mut parser = parser(&dialect, sql)?;
    let parsed: Result<Expr, ParserError> = parser.parse_expr().and_then(|expression| {
        if parser.peek_token_ref().token == Token::SemiColon {
            parser.next_token();
        }
        parser.expect_token(&Token::EOF)?;
        Ok(expression)
    });
    let mut expression = parsed.map_err(|error| SqlError::from_parser(sql, &error))?;
    flatten(&mut expression)?;
    Ok(expression)
}

/// The words and signs of `sql` with their places.
pub(crate) fn tokens(sql: &str) -> Result<Vec<TokenWithSpan>, SqlError> {
    Tokenizer::new(&EgretDialect::default(), sql)
        .tokenize_with_location()
        .map_err(|error| SqlError::from_parser(sql, &error.into()))
}

/// What the planner takes.
pub(crate) fn for_planner(statement: Statement) -> PlannerStatement {
    PlannerStatement::Statement(Box::new(statement))
}

/// What the planner takes for an expression.
pub(crate) fn without_alias(expr: Expr) -> ExprWithAlias {
    ExprWithAlias { expr, alias: None }
}

fn parser<'d>(dialect: &'d EgretDialect, sql: &str) -> Result<Parser<'d>, SqlError> {
    if sql.len() > MAX_SQL_BYTES {
        return Err(SqlError::new(format!("the SQL is {} bytes long, over the limit of 1 MiB", sql.len())));
    }
    let tokens = tokens(sql)?;
    let set_operations = [Keyword::UNION, Keyword::EXCEPT, Keyword::INTERSECT];
    let is_set_operation =
        |token: &&TokenWithSpan| set_operations.iter().any(|word| is_word(&token.token, *word));
    if tokens.iter().filter(is_set_operation).count() > MAX_SET_OPERATIONS {
        return Err(SqlError::new(format!(
            "more than {MAX_SET_OPERATIONS} queries are joined by `union` and the like"
        )));
    }
    let tokens = with_where_in_filters(tokens.into_iter().map(without_underscores));
    Ok(Parser::new(dialect).with_recursion_limit(MAX_NESTING).with_tokens_with_locations(tokens))
}

/// `1_000` as the planner reads it.
fn without_underscores(mut token: TokenWithSpan) -> TokenWithSpan {
    if let Token::Number(digits, _) = &mut token.token {
        digits.retain(|c| c != '_');
    }
    token
}

/// `count(*) filter (x > 1)` as `count(*) filter (where x > 1)`.
fn with_where_in_filters(tokens: impl Iterator<Item = TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut written: Vec<TokenWithSpan> = Vec::new();
    // The last three signs and words before the one at hand.
    let mut before = [Token::EOF, Token::EOF, Token::EOF];
    for token in tokens {
        if !matches!(token.token, Token::Whitespace(_)) {
            let is_filter = before[0] == Token::RParen
                && is_word(&before[1], Keyword::FILTER)
                && before[2] == Token::LParen;
            if is_filter && !is_word(&token.token, Keyword::WHERE) {
                written.push(TokenWithSpan::new(Token::make_keyword("where"), token.span));
                written.push(TokenWithSpan::new(Token::Whitespace(Whitespace::Space), token.span));
            }
            before.rotate_left(1);
            before[2] = token.token.clone();
        }
        written.push(token);
    }
    written
}
