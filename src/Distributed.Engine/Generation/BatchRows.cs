namespace Distributed.Engine.Generation;

/// <summary>What the rows of a batch are: consecutive positions of a sequence lie side by side and make a segment.</summary>
internal sealed class BatchRows(int maxRows, int maxLogitRows)
{
    private readonly SequenceCache[] _sequences = new SequenceCache[maxRows];
    private readonly int[] _tokens = new int[maxRows];
    private readonly int[] _positions = new int[maxRows];
    private readonly int[] _starts = new int[maxRows + 1];
    private readonly int[] _logitRows = new int[maxLogitRows];

    public int MaxRows => maxRows;

    public int Count { get; private set; }

    public int SegmentCount { get; private set; }

    /// <summary>Rows whose logits are wanted.</summary>
    public int LogitCount { get; private set; }

    /// <summary>The position of each row in its sequence.</summary>
    public ReadOnlySpan<int> Positions => _positions.AsSpan(0, Count);

    public int Token(int row) => _tokens[row];

    /// <summary>First row of a segment; that of the segment past the last is <see cref="Count"/>.</summary>
    public int Start(int segment) => _starts[segment];

    public SequenceCache Sequence(int segment) => _sequences[_starts[segment]];

    /// <summary>The sequence of a row.</summary>
    public SequenceCache SequenceOf(int row) => _sequences[row];

    /// <summary>The n-th row whose logits are wanted; they ascend.</summary>
    public int LogitRow(int index) => _logitRows[index];

    public void Clear() => (Count, SegmentCount, LogitCount) = (0, 0, 0);

    public void Add(SequenceCache sequence, int count, bool wantsLogits)
    {
        for (var i = 0; i < count; i++)
        {
            _sequences[Count] = sequence;
            _positions[Count] = sequence.Cached + i;
            _tokens[Count] = sequence.Tokens[sequence.Cached + i];
            Count++;
        }

        if (count > 0)
            _starts[++SegmentCount] = Count;
        if (wantsLogits)
            _logitRows[LogitCount++] = Count - 1;
    }

    /// <summary>Drops the rows whose logits are not wanted and moves the others' values together.</summary>
    public unsafe void KeepLogitRows(float* values, int width)
    {
        for (var i = 0; i < LogitCount; i++)
        {
            var row = _logitRows[i];
            _starts[i + 1] = i + 1;
            if (row == i)
                continue;
            (_sequences[i], _positions[i]) = (_sequences[row], _positions[row]);
            new ReadOnlySpan<float>(values + ((nint)row * width), width).CopyTo(new Span<float>(values + ((nint)i * width), width));
        }

        (Count, SegmentCount) = (LogitCount, LogitCount);
    }
}
