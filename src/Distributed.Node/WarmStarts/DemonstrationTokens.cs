using System.Text;
using Distributed.Ports;

namespace Distributed.Node.WarmStarts;

/// <summary>Demonstrations as token ids with the positions that are trained on.</summary>
internal static class DemonstrationTokens
{
    /// <summary>A token is trained on if all its characters lie in one trained piece; the first token of a text never is.</summary>
    public static TrainSequence Of(Demonstration demonstration, ITokenizer tokenizer)
    {
        var text = new StringBuilder();
        var trained = new List<(int Start, int End)>();
        foreach (var piece in demonstration.Pieces)
        {
            var start = text.Length;
            text.Append(piece.Text);
            if (piece.Trained)
            {
                trained.Add((start, text.Length));
            }
        }
        var spans = tokenizer.EncodeWithOffsets(text.ToString());
        var targets = new List<int>();
        var at = 0;
        for (var i = 0; i < spans.Length; i++)
        {
            while (at < trained.Count && trained[at].End <= spans[i].Start)
            {
                at++;
            }
            if (i > 0 && at < trained.Count && spans[i].Start >= trained[at].Start && spans[i].End <= trained[at].End)
            {
                targets.Add(i);
            }
        }
        return new TrainSequence(Array.ConvertAll(spans, span => span.Id), targets.ToArray());
    }
}
