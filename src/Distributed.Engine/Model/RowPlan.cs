using Distributed.Engine.Kernels;

namespace Distributed.Engine.Model;

/// <summary>
/// A stretch of rows that attend causally to each other. A trunk sees only itself; a branch sees the first <see cref="Position"/> rows of
/// its trunk too, as if it went on from there.
/// </summary>
internal struct RowSegment
{
    /// <summary>First row.</summary>
    public int Start;

    /// <summary>Rows.</summary>
    public int Length;

    /// <summary>Rows of the trunk that are seen; 0 for a trunk.</summary>
    public int Position;

    public bool IsTrunk;

    /// <summary>First of its rows in the list of active rows.</summary>
    public int ActiveStart;

    /// <summary>How many of its rows are active.</summary>
    public int ActiveCount;
}

/// <summary>
/// What one forward pass computes: tokens of several sequences back to back, who sees whom, and the active rows, whose last hidden state
/// is wanted. The last layer computes keys and values for all rows, everything else only for the active ones.
/// </summary>
internal sealed unsafe class RowPlan
{
    private readonly IntBuffer _tokens = new();
    private readonly IntBuffer _positions = new();
    private readonly IntBuffer _marks = new();
    private readonly IntBuffer _activeRows = new();
    private readonly IntBuffer _activePositions = new();
    private RowSegment[] _segments = new RowSegment[16];

    /// <summary>Rows in all.</summary>
    public int Rows { get; private set; }

    /// <summary>Active rows; known after <see cref="Seal"/>.</summary>
    public int ActiveCount { get; private set; }

    public int SegmentCount { get; private set; }

    /// <summary>Most keys any row sees.</summary>
    public int MostKeys { get; private set; }

    public int* Tokens => _tokens.Pointer;

    public int* Positions => _positions.Pointer;

    /// <summary>Rows that are active, ascending.</summary>
    public int* ActiveRows => _activeRows.Pointer;

    public int* ActivePositions => _activePositions.Pointer;

    public ref readonly RowSegment this[int segment] => ref _segments[segment];

    public void Clear()
    {
        Rows = 0;
        ActiveCount = 0;
        SegmentCount = 0;
        MostKeys = 0;
    }

    /// <summary>Adds a sequence; returns its first row.</summary>
    public int AddTrunk(ReadOnlySpan<int> tokens) => Add(tokens, 0, true);

    /// <summary>
    /// Adds a continuation of the first <paramref name="position"/> tokens of the trunk added last; returns its first row. The branches of
    /// a trunk must come in descending order of position: each overwrites packed keys that the later ones do not see.
    /// </summary>
    public int AddBranch(ReadOnlySpan<int> tokens, int position)
    {
        ref readonly var before = ref _segments[SegmentCount - 1];
        if (position < 1 || position > (before.IsTrunk ? before.Length : before.Position))
            throw new ArgumentOutOfRangeException(nameof(position), position, "Branches follow their trunk in descending order of position.");
        return Add(tokens, position, false);
    }

    /// <summary>Asks for the last hidden state of a row.</summary>
    public void Activate(int row) => _marks[row] = 1;

    /// <summary>Lists the active rows; call once all are added and activated.</summary>
    public void Seal()
    {
        _activeRows.Reserve(Rows);
        _activePositions.Reserve(Rows);
        ActiveCount = 0;
        for (var s = 0; s < SegmentCount; s++)
        {
            ref var segment = ref _segments[s];
            segment.ActiveStart = ActiveCount;
            for (var row = segment.Start; row < segment.Start + segment.Length; row++)
            {
                if (_marks[row] == 0)
                    continue;
                _activeRows[ActiveCount] = row;
                _activePositions[ActiveCount] = _positions[row];
                _marks[row] = ++ActiveCount;
            }

            segment.ActiveCount = ActiveCount - segment.ActiveStart;
        }
    }

    /// <summary>Place of an active row among the active ones.</summary>
    public int ActiveIndex(int row) => _marks[row] - 1;

    private int Add(ReadOnlySpan<int> tokens, int position, bool isTrunk)
    {
        var start = Rows;
        Rows += tokens.Length;
        _tokens.Reserve(Rows);
        _positions.Reserve(Rows);
        _marks.Reserve(Rows);
        for (var i = 0; i < tokens.Length; i++)
        {
            _tokens[start + i] = tokens[i];
            _positions[start + i] = position + i;
            _marks[start + i] = 0;
        }

        if (SegmentCount == _segments.Length)
            Array.Resize(ref _segments, SegmentCount * 2);
        _segments[SegmentCount++] = new RowSegment { Start = start, Length = tokens.Length, Position = position, IsTrunk = isTrunk };
        MostKeys = Math.Max(MostKeys, position + tokens.Length);
        return start;
    }
}
