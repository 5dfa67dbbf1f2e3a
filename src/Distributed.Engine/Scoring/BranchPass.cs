using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Scoring;

/// <summary>One thread's forward passes over requests with branches.</summary>
internal sealed class BranchPass(PackedModel model) : IDisposable
{
    private readonly ForwardWorker _worker = new(model);
    private readonly List<int> _order = [];
    private readonly List<int> _slots = [];

    /// <summary>Rows a request takes: its tokens up to the last branch, and of each branch what precedes its last counted token.</summary>
    public static int RowsOf(ScoreRequest request)
    {
        int rows = 0, longest = 0;
        foreach (var branch in request.Branches)
        {
            rows += BranchRows(branch);
            longest = Math.Max(longest, branch.Position);
        }

        return longest + rows;
    }

    /// <summary>Answers requests [first, end).</summary>
    public void Run(
        IReadOnlyList<ScoreRequest> requests, string?[] complaints, int first, int end, ScoreReply[] replies, long version)
    {
        _worker.Plan.Clear();
        _worker.Targets.Clear();
        _slots.Clear();
        var branches = 0;
        for (var i = first; i < end; i++)
        {
            if (complaints[i] is not null || requests[i].Branches.Count == 0)
                continue;
            Add(requests[i], branches);
            branches += requests[i].Branches.Count;
        }

        var sums = new double[branches];
        if (branches > 0)
        {
            _worker.Plan.Seal();
            for (var t = 0; t < _worker.Targets.Count; t++)
                _worker.Targets[t] = _worker.Targets[t] with { Row = _worker.Plan.ActiveIndex(_worker.Targets[t].Row) };
            _worker.Run();
            for (var t = 0; t < _slots.Count; t++)
                sums[_slots[t]] += _worker.LogProbs[t];
        }

        var slot = 0;
        for (var i = first; i < end; i++)
        {
            if (complaints[i] is { } complaint)
            {
                replies[i] = new ScoreReply(default, version, new EngineError(complaint));
                continue;
            }

            var means = new double[requests[i].Branches.Count];
            for (var b = 0; b < means.Length; b++)
                means[b] = sums[slot++] / requests[i].Branches[b].SpanLength;
            replies[i] = new ScoreReply(means, version);
        }
    }

    public void Dispose() => _worker.Dispose();

    // The last counted token is predicted, not read; what follows it does not matter.
    private static int BranchRows(ScoreBranch branch) => branch.SpanStart + branch.SpanLength - 1;

    private void Add(ScoreRequest request, int firstSlot)
    {
        var branches = request.Branches;
        _order.Clear();
        for (var b = 0; b < branches.Count; b++)
            _order.Add(b);
        _order.Sort((x, y) => branches[x].Position != branches[y].Position ? branches[x].Position.CompareTo(branches[y].Position) : x.CompareTo(y));

        var plan = _worker.Plan;
        var trunk = plan.AddTrunk(request.Tokens.Span[..branches[_order[^1]].Position]);
        foreach (var b in _order)
            if (branches[b].SpanStart == 0)
                Target(trunk + branches[b].Position - 1, branches[b].Tokens.Span[0], firstSlot + b);
        for (var i = _order.Count - 1; i >= 0; i--)
        {
            var branch = branches[_order[i]];
            var rows = BranchRows(branch);
            if (rows == 0)
                continue;
            var tokens = branch.Tokens.Span;
            var start = plan.AddBranch(tokens[..rows], branch.Position);
            for (var t = Math.Max(branch.SpanStart, 1); t <= rows; t++)
                Target(start + t - 1, tokens[t], firstSlot + _order[i]);
        }
    }

    private void Target(int row, int token, int slot)
    {
        _worker.Plan.Activate(row);
        _worker.Targets.Add(new RowTarget(row, token));
        _slots.Add(slot);
    }
}
