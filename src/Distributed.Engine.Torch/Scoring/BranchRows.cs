using Distributed.Engine.Torch.Model;
using Distributed.Ports;

namespace Distributed.Engine.Torch.Scoring;

/// <summary>A score request as one unit of a pass.</summary>
internal static class BranchRows
{
    /// <summary>Adds a request that has branches.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="request">The request.</param>
    /// <param name="target">Called per target, in the order of the pass's targets, with the branch it counts for.</param>
    public static void Add(PackedPass pass, ScoreRequest request, Action<int> target)
    {
        var branches = request.Branches;
        var trunk = pass.AddTrunk(request.Tokens.Span[..branches.Max(branch => branch.Position)]);
        for (var b = 0; b < branches.Count; b++)
        {
            var branch = branches[b];
            var tokens = branch.Tokens.Span;
            if (branch.SpanStart == 0)
            {
                // The first token is predicted by the trunk.
                pass.AddTarget(trunk + branch.Position - 1, tokens[0]);
                target(b);
            }

            // The last counted token is predicted, not read; what follows it does not matter.
            var rows = branch.SpanStart + branch.SpanLength - 1;
            if (rows == 0)
                continue;
            var start = pass.AddBranch(tokens[..rows], branch.Position);
            for (var t = Math.Max(branch.SpanStart, 1); t <= rows; t++)
            {
                pass.AddTarget(start + t - 1, tokens[t]);
                target(b);
            }
        }
    }
}
