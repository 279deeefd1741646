-- Purpose: whether the words of the newest completed scan have been found.
select exists (
    select from scan_words w where w.word = ''
        and w.scan_id = (select s.id from scans s where s.state = 'completed' order by s.inserted_at desc limit 1)
)
