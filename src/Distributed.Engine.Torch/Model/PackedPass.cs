using Distributed.Engine.Training;
using Distributed.Ports;
using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Model;

/// <summary>
/// What one forward pass computes: units of rows back to back that do not see each other. A unit is a trunk, whose rows see themselves and those before
/// them, and branches, whose rows see the beginning of the trunk and those before them in their own branch: one block mask instead of a pass per branch.
/// </summary>
internal sealed class PackedPass
{
    private readonly List<long> _tokens = [];
    private readonly List<long> _positions = [];
    private readonly List<long> _targetRows = [];
    private readonly List<long> _targetTokens = [];
    private readonly List<Unit> _units = [];

    /// <summary>Rows in all.</summary>
    public int Rows => _tokens.Count;

    /// <summary>Targets in all.</summary>
    public int Targets => _targetRows.Count;

    /// <summary>Rows of the longest unit.</summary>
    public int Longest { get; private set; }

    /// <summary>The units.</summary>
    public IReadOnlyList<Unit> Units => _units;

    /// <summary>Begins a unit with its trunk; returns its first row.</summary>
    public int AddTrunk(ReadOnlySpan<int> tokens)
    {
        var start = Rows;
        _units.Add(new Unit(start, tokens.Length));
        Add(tokens, 0);
        return start;
    }

    /// <summary>Adds a branch to the unit begun last, behind the first <paramref name="position"/> tokens of its trunk; returns its first row.</summary>
    public int AddBranch(ReadOnlySpan<int> tokens, int position)
    {
        var start = Rows;
        _units[^1].Branches.Add(new Branch(start - _units[^1].Start, tokens.Length, position));
        Add(tokens, position);
        return start;
    }

    /// <summary>Asks for the probability of a token that a row predicts.</summary>
    public void AddTarget(int row, int token)
    {
        _targetRows.Add(row);
        _targetTokens.Add(token);
    }

    /// <summary>Adds a sequence that has targets.</summary>
    public void Add(TrainSequence sequence)
    {
        var tokens = sequence.Tokens.Span;
        var start = AddTrunk(tokens[..SequenceRows.Of(sequence)]);
        foreach (var target in sequence.Targets.Span)
            AddTarget(start + target - 1, tokens[target]);
    }

    /// <summary>The tokens, [rows].</summary>
    public Tensor Tokens(Device device) => tensor(_tokens.ToArray(), device: device);

    /// <summary>The positions, [rows].</summary>
    public Tensor Positions(Device device) => tensor(_positions.ToArray(), device: device);

    /// <summary>The row of each target, [targets].</summary>
    public Tensor TargetRows(Device device) => tensor(_targetRows.ToArray(), device: device);

    /// <summary>The token of each target, [targets].</summary>
    public Tensor TargetTokens(Device device) => tensor(_targetTokens.ToArray(), device: device);

    private void Add(ReadOnlySpan<int> tokens, int position)
    {
        for (var i = 0; i < tokens.Length; i++)
        {
            _tokens.Add(tokens[i]);
            _positions.Add(position + i);
        }

        Longest = Math.Max(Longest, _units[^1].Rows = Rows - _units[^1].Start);
    }

    /// <summary>A continuation of a trunk's beginning.</summary>
    /// <param name="Start">First row, from the unit's first.</param>
    /// <param name="Length">Rows.</param>
    /// <param name="Position">Rows of the trunk that it sees.</param>
    internal readonly record struct Branch(int Start, int Length, int Position);

    /// <summary>Rows that may see each other.</summary>
    internal sealed class Unit(int start, int trunk)
    {
        /// <summary>First row.</summary>
        public int Start { get; } = start;

        /// <summary>Rows of the trunk.</summary>
        public int Trunk { get; } = trunk;

        /// <summary>Rows in all.</summary>
        public int Rows { get; set; }

        /// <summary>The branches.</summary>
        public List<Branch> Branches { get; } = [];
    }
}
