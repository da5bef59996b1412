-- The cleaning and the profiles of the source `events` in DuckDB's SQL: the same rules, for the clock only.
-- {landing} and {out} are put in before it runs.
copy (
    select * from read_json('{landing}/*/*.json.gz', format = 'newline_delimited', ignore_errors = true, columns = {{
        event_id: 'varchar', site: 'varchar', site_user: 'varchar', account: 'varchar', name: 'varchar',
        email: 'varchar', phone: 'varchar', type: 'varchar', ts: 'varchar', sent_at: 'varchar', item: 'varchar',
        title: 'varchar', category: 'varchar', brand: 'varchar', price: 'varchar', quantity: 'varchar',
        scene: 'varchar', search_id: 'varchar', query: 'varchar', position: 'varchar', promotion: 'varchar',
        rating: 'varchar', review: 'varchar', country: 'varchar', user_agent: 'varchar'
    }})
) to '{out}/bronze.parquet';

create table lines as
with typed as (
    select
        event_id, site || ':' || site_user as landed_user, nullif(trim(account), '') as account,
        nullif(trim(item), '') as item_id, type as event_type, try_cast(ts as timestamptz) as event_time,
        coalesce(scene, 'organic') as scene, search_id, try_cast(position as integer) as position,
        try_cast(quantity as double) as quantity, try_cast(price as double) as unit_price, country,
        coalesce(regexp_matches(user_agent, '(?i)bot|crawl|spider|slurp|headless|curl|python'), false) as names_bot,
        query, try_cast(rating as double) as rating, review, title, category, brand, promotion,
        ts, price, quantity as quantity_text, hash(b) as line_hash
    from read_parquet('{out}/bronze.parquet') b
)
select * exclude (ts, price, quantity_text), list_filter([
    case when ts is not null and event_time is null then 'event_time_unreadable' end,
    case when ts is null then 'event_time_missing' end,
    case when quantity_text is not null and quantity is null then 'quantity_unreadable' end,
    case when price is not null and unit_price is null then 'unit_price_unreadable' end,
    case when event_type = 'search' then case when query is null then 'query_missing' end
         when item_id is null then 'item_id_missing' end,
    case when event_type not in ('impression', 'click', 'cart', 'purchase', 'return', 'review', 'search')
         then 'event_type_unknown' end,
    case when scene not in ('search', 'recommend', 'ads', 'organic') then 'scene_unknown' end,
    case when position <= 0 then 'position_not_positive' end,
    case when quantity <= 0 then 'quantity_not_positive' end,
    case when unit_price < 0 then 'unit_price_negative' end,
    case when rating not between 1 and 5 then 'rating_out_of_range' end
], lambda reason: reason is not null) as reasons
from typed;

-- Windows over whole rows would not fit into memory, nor tens of millions of them onto a disk.
create table labelled as
select * from lines where rowid in (
    select arg_min(rowid, line_hash) from lines
    group by case when len(reasons) > 0 then line_hash::varchar else event_id end
);
drop table lines;

copy (select * from labelled where len(reasons) > 0) to '{out}/quarantine.parquet';

create table identities as
select landed_user, mode(account) as account,
    sha256('a key of the benchmark' || coalesce(mode(account), landed_user)) as user_id
from labelled where len(reasons) = 0 and landed_user is not null group by landed_user;

create table acts as
select l.rowid as line, hash(coalesce(landed_user, event_id)) as own, event_time, event_time::date as event_date,
    event_type, names_bot
from labelled l where len(reasons) = 0;

create table gaps as
select *, event_time - lag(event_time) over in_time as gap, lag(event_date) over in_time as day_before
from acts window in_time as (partition by own order by event_time);
drop table acts;

create table bots as
select own, event_date, bool_or(names_bot) or (
        count(*) filter (event_type in ('impression', 'click', 'search')) >= 50
        and 2 * count(*) filter (day_before = event_date and gap < interval 1 second)
            >= count(*) filter (day_before = event_date)
        and not bool_or(event_type in ('cart', 'purchase', 'return', 'review'))
    ) as is_bot
from gaps group by own, event_date;

create table sessions as
select line, own, event_date, max(case when gap is null or gap > interval 30 minute then event_time end)
    over (partition by own order by event_time rows unbounded preceding) as session_start
from gaps;
drop table gaps;

create table quartiles as
select event_time::date as event_date, quantile_cont(ln(quantity), [0.25, 0.75]) filter (quantity > 0) as q,
    quantile_cont(ln(unit_price), [0.25, 0.75]) filter (unit_price > 0) as p
from labelled where len(reasons) = 0 group by all;

create table events as
select l.*, i.user_id, s.own, s.event_date, s.own || ' ' || s.session_start as session_id, b.is_bot,
    coalesce(quantity > 0 and abs(ln(quantity) - (q[1] + q[2]) / 2)
        > (q[2] - q[1]) / 2 + 3 * greatest(q[2] - q[1], ln(2)), false)
    or coalesce(unit_price > 0 and abs(ln(unit_price) - (p[1] + p[2]) / 2)
        > (p[2] - p[1]) / 2 + 6 * greatest(p[2] - p[1], ln(2)), false) as is_far_out
from labelled l join sessions s on l.rowid = s.line join bots b using (own, event_date)
    join quartiles using (event_date) left join identities i using (landed_user);
drop table labelled;
drop table sessions;

copy (select event_id, user_id, item_id, event_type, event_time, event_date, session_id, scene, search_id, position,
    quantity, unit_price, promotion, country, is_bot, is_far_out from events where event_type != 'search')
    to '{out}/interactions.parquet';
copy (select event_id, user_id, item_id, event_time, event_date, rating, review from events where event_type = 'review')
    to '{out}/reviews.parquet';
copy (
    select s.search_id, s.user_id, s.session_id, s.event_time, s.event_date, s.query,
        lower(strip_accents(s.query)) as normalised_query, r.result_item_ids, s.is_bot
    from events s left join (
        select search_id, event_date, list(item_id order by position) as result_item_ids
        from events where event_type = 'impression' and search_id is not null group by search_id, event_date
    ) r using (search_id, event_date) where s.event_type = 'search'
) to '{out}/searches.parquet';

create table items as
select item_id, title, category, brand, min(event_time) as valid_from, median(unit_price) as price,
    lead(min(event_time)) over (partition by item_id order by min(event_time)) as valid_to
from events where event_type != 'search' group by item_id, title, category, brand;
copy items to '{out}/items.parquet';

create view people as
select *, max(event_date) over () as as_of from events where event_type != 'search' and not is_bot;

copy (
    with described as (
        select user_id, max_by(country, event_time) as country, min(event_time) as first_event_time,
            max(event_time) as last_event_time, any_value(as_of) - max(event_date) as recency_days,
            count(distinct session_id) filter (event_type = 'purchase') as frequency,
            sum(case event_type when 'purchase' then 1 when 'return' then -1 else 0 end * quantity * unit_price)
                filter (not is_far_out) as monetary,
            count(*) filter (event_type = 'purchase') as purchases,
            count(*) filter (event_type = 'purchase' and as_of - event_date < 28) as purchases_28d,
            count(*) filter (event_type = 'purchase' and as_of - event_date < 90) as purchases_90d,
            count(distinct item_id) as distinct_items, count(*) filter (event_type = 'return') as returns,
            count(*) filter (event_type = 'purchase' and promotion is not null) as promoted,
            median(unit_price) filter (event_type = 'purchase') as median_price
        from people where user_id is not null group by user_id
    ), bought as (
        select p.user_id, i.category, string_split(lower(i.title), ' ') as words
        from people p join items i on p.item_id = i.item_id and i.valid_to is null where p.event_type = 'purchase'
    ), categories as (
        select user_id, list(category order by n desc, category)[:5] as favourite_categories
        from (select user_id, category, count(*) as n from bought group by all) group by user_id
    ), words as (
        select user_id, list(word order by n desc, word)[:10] as favourite_words
        from (
            select user_id, word, count(*) as n from (select user_id, unnest(words) as word from bought) group by all
        ) group by user_id
    )
    select d.*, ntile(3) over (order by median_price) as price_band, favourite_categories, favourite_words
    from described d left join categories using (user_id) left join words using (user_id)
) to '{out}/user_profiles.parquet';

copy (
    with described as (
        select item_id, min(event_time) as first_event_time, max(event_time) as last_event_time,
            count(distinct user_id) filter (event_type = 'purchase') as buyers,
            count(distinct user_id) filter (event_type = 'purchase' and as_of - event_date < 28) as buyers_28d,
            count(*) filter (event_type = 'purchase') as purchases,
            count(*) filter (event_type = 'purchase' and as_of - event_date < 7) as purchases_7d,
            count(*) filter (event_type = 'purchase' and as_of - event_date < 28) as purchases_28d,
            count(*) filter (event_type = 'purchase' and as_of - event_date < 90) as purchases_90d,
            sum(quantity) filter (event_type = 'purchase' and not is_far_out) as quantity,
            sum(case event_type when 'purchase' then 1 when 'return' then -1 else 0 end * quantity * unit_price)
                filter (not is_far_out) as revenue,
            count(*) filter (event_type = 'return') as returns,
            count(*) filter (event_type = 'purchase' and promotion is not null) as promoted,
            median(unit_price) filter (event_type = 'purchase') as median_price
        from people group by item_id
    )
    select d.*, i.title, i.category, i.brand, ntile(3) over (order by median_price) as price_band,
        row_number() over (order by buyers desc, purchases desc, d.item_id) as popularity_rank
    from described d left join items i on d.item_id = i.item_id and i.valid_to is null
) to '{out}/item_profiles.parquet';
