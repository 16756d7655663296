//! Lists of connection pools against a plain model: filter, sort, and pages, which together show everything once.

use fairpool::resource::models::*;
use proptest::prelude::*;
use serde_json::json;
use std::cmp::Reverse;

/// `(id, name, limit, second of its making)`
type Row = (u64, String, u32, u32);

fn pools(rows: &[Row]) -> Vec<ConnectionPool> {
    let pool = |(id, name, limit, second): &Row| {
        let new = NewConnectionPool::try_from(json!({"name": name, "limit": limit})).unwrap();
        let made = format!("2026-01-01T00:00:{second:02}.000000Z").parse().unwrap();
        ConnectionPool::new(PoolId::new(*id).unwrap(), new, made)
    };
    rows.iter().map(pool).collect()
}

fn ids(page: &Page<&ConnectionPool>) -> Vec<u64> {
    page.items.iter().map(|pool| pool.id().value()).collect()
}

fn query(pairs: &[(&str, &str)]) -> ListQuery {
    ListQuery::from_pairs(pairs.iter().copied()).unwrap()
}

/// Rows with ids of their own and many ties in everything else.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let rest = ("[abAB]{1,3}", 1..4_u32, 0..3_u32);
    proptest::collection::btree_map(1..200_u64, rest, 0..60)
        .prop_map(|map| {
            map.into_iter()
                .map(|(id, (name, limit, second))| (id, name, limit, second))
        })
        .prop_map(Iterator::collect::<Vec<_>>)
        .prop_shuffle()
}

proptest! {
    #[test]
    fn pages_are_the_plain_models(
        rows in rows(),
        filter in "[aB,]{0,4}",
        sort in proptest::sample::subsequence(vec!["name", "-limit", "created_at", "-name", "nonsense", ""], 0..4).prop_shuffle(),
        page in 1..6_u32,
        per_page in 1..20_u32,
    ) {
        let mut expected = rows.clone();
        let wanted: Vec<String> = filter.split(',').filter(|part| !part.is_empty()).map(str::to_lowercase).collect();
        expected.retain(|row| wanted.is_empty() || wanted.iter().any(|part| row.1.to_lowercase().contains(part)));
        // The least important key first, by stable sorts.
        expected.sort_by_key(|row| row.0);
        for key in sort.iter().rev() {
            match *key {
                "name" => expected.sort_by(|a, b| a.1.cmp(&b.1)),
                "-name" => expected.sort_by(|a, b| b.1.cmp(&a.1)),
                "-limit" => expected.sort_by_key(|row| Reverse(row.2)),
                "created_at" => expected.sort_by_key(|row| row.3),
                _ => {}
            }
        }
        let total = expected.len();
        let before = ((page - 1) * per_page) as usize;
        let shown: Vec<u64> = expected.iter().skip(before).take(per_page as usize).map(|row| row.0).collect();

        let pools = pools(&rows);
        let (page_text, size_text, sort) = (page.to_string(), per_page.to_string(), sort.join(","));
        let query = query(&[("filter[name]", &filter), ("sort", &sort), ("page", &page_text), ("per_page", &size_text)]);
        let answer = query.apply(&pools);

        prop_assert_eq!(ids(&answer), shown.clone());
        prop_assert_eq!((answer.total, answer.current, answer.per_page), (total as u64, page, per_page));
        prop_assert_eq!(answer.last, total.div_ceil(per_page as usize).max(1) as u64);
        prop_assert_eq!(answer.from(), (!shown.is_empty()).then_some(before as u64 + 1));
        prop_assert_eq!(answer.to(), (!shown.is_empty()).then_some((before + shown.len()) as u64));
    }

    #[test]
    fn following_next_shows_every_pool_exactly_once(rows in rows(), per_page in 1..20_u64) {
        let pools = pools(&rows);
        let (mut seen, mut page) = (Vec::new(), Some(1));
        while let Some(number) = page {
            let query = ListQuery::default()
                .page(Bounded::new(number).unwrap())
                .per_page(Bounded::new(per_page).unwrap());
            let answer = query.apply(&pools);
            prop_assert_eq!(answer.previous().map(u64::from), number.checked_sub(1).filter(|&before| before > 0));
            seen.extend(ids(&answer));
            page = answer.next().map(u64::from);
        }
        let mut expected: Vec<u64> = rows.iter().map(|row| row.0).collect();
        expected.sort_unstable();
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn no_query_panics(pairs in proptest::collection::vec(
        ("filter\\[name\\]|sort|include|page|per_page|other", ".{0,12}|[-0-9]{0,30}"), 0..6,
    )) {
        let _ = ListQuery::from_pairs(pairs).map(|query| query.apply(&[]).total);
    }
}

#[test]
fn a_filter_ignores_case_also_beyond_ascii_and_commas_mean_any_of() {
    let rows = [
        (1, "Größe".to_owned(), 1, 0),
        (2, "MAIL".to_owned(), 1, 0),
        (3, "orders".to_owned(), 1, 0),
    ];
    let pools = pools(&rows);
    let of = |filter: &str| ids(&query(&[("filter[name]", filter)]).apply(&pools));
    assert_eq!(of("GRÖSS,mai"), [2]);
    assert_eq!(of("RÖß"), [1]);
    assert_eq!(of("ai,ORD"), [2, 3]);
    assert_eq!(of(","), [1, 2, 3]);
    assert_eq!(of("%"), [0; 0]);
}

#[test]
fn page_and_per_page_are_judged_and_an_empty_one_is_as_good_as_none() {
    let said = |pairs: &[(&str, &str)]| ListQuery::from_pairs(pairs.iter().copied()).unwrap_err().summary();
    assert_eq!(said(&[("page", "0")]), "The page field must be at least 1.");
    assert_eq!(said(&[("page", "-3")]), "The page field must be at least 1.");
    assert_eq!(said(&[("page", "two")]), "The page field must be an integer.");
    assert_eq!(said(&[("page", "1.0")]), "The page field must be an integer.");
    assert_eq!(
        said(&[("page", "99999999999999999999999")]),
        "The page field must not be greater than 4294967295."
    );
    assert_eq!(said(&[("per_page", "0")]), "The per page field must be at least 1.");
    assert_eq!(
        said(&[("per_page", "101")]),
        "The per page field must not be greater than 100."
    );
    let refused = ListQuery::from_pairs([("per_page", "x"), ("page", "x")]).unwrap_err();
    assert_eq!(
        refused.violations().map(|(field, _)| field).collect::<Vec<_>>(),
        ["page", "per_page"]
    );

    assert_eq!(query(&[("page", ""), ("per_page", "")]), ListQuery::default());
    assert_eq!(ListQuery::default().apply(&[]).per_page, 15);
}

#[test]
fn an_empty_page_has_no_numbers_and_the_last_page_is_at_least_the_first() {
    let answer = query(&[("page", "4294967295"), ("per_page", "100")]).apply(&[]);
    assert_eq!(
        (answer.from(), answer.to(), answer.last, answer.total),
        (None, None, 1, 0)
    );
    assert_eq!((answer.previous(), answer.next()), (Some(4_294_967_294), None));
}

#[test]
fn include_names_connectors_with_or_without_their_systems_and_ignores_the_rest() {
    let included = |text: &str| {
        let query = query(&[("include", text)]);
        (query.includes_connectors(), query.includes_systems())
    };
    assert_eq!(included("connectors"), (true, false));
    assert_eq!(included("connectors.system"), (true, true));
    assert_eq!(included("nonsense,connectors"), (true, false));
    assert_eq!(included("connectors.systems,system"), (false, false));
    for (text, systems) in [("connectors", false), ("connectors.system", true)] {
        assert_eq!(
            query(&[("include", text)]),
            ListQuery::default().with_connectors(systems)
        );
    }
}

/// Thousands of them in one URL would all be compared, for each pair of ten thousand pools.
#[test]
fn a_list_is_sorted_by_each_key_once_and_filtered_by_a_hundred_names() {
    let sorted = query(&[("sort", &"-name,limit,name,-limit,".repeat(500))]);
    assert_eq!(sorted.sort(), [(SortKey::Name, true), (SortKey::Limit, false)]);
    let some = pools(&[(1, "y".to_owned(), 1, 0)]);
    let found = |before| {
        query(&[("filter[name]", &("x,".repeat(before) + "y"))])
            .apply(&some)
            .total
    };
    assert_eq!((found(99), found(100)), (1, 0));
}
